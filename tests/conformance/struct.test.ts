/** The contract of structs, case by case (part O of the behaviours, X41). */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { openShared, RecordArray, type SharedRecord, struct } from 'lockstep';
import { changesRecords, Inner, Sample } from '../support/points.ts';
import { suite } from '../support/stage.ts';

const OUT_OF_RANGE = { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
const INVALID_TYPE = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };
const HANDLE = { code: 'ERR_LOCKSTEP_HANDLE' };

const VALUES = {
  x: 0.5,
  small: 255,
  tags: [1, 2, 3, 4],
  name: 'first',
  inner: { flag: true, big: -5n },
  list: [
    { flag: false, big: 1n },
    { flag: true, big: 2n },
    { flag: false, big: 3n },
  ],
};

suite('struct', (stage) => {
  stage.it('X41: structures share every field', async () => {
    const [actor] = await stage.actors(1);
    const record = stage.share(new Sample(VALUES));
    assert.deepEqual(await actor.do('invoke', record, 'toObject'), VALUES);
    await actor.do('put', record, 'x', 1.5);
    await actor.do('put', record, 'name', 'changed');
    await actor.do('invoke', record, 'tags.set', 0, 9);
    await actor.do('invoke', record, 'inner.assign', { big: 7n });
    await actor.do('invoke', record, 'list.set', -1, { flag: true });
    assert.deepEqual(record.toObject(), {
      x: 1.5,
      small: 255,
      tags: [9, 2, 3, 4],
      name: 'changed',
      inner: { flag: true, big: 7n },
      list: [VALUES.list[0], VALUES.list[1], { flag: true, big: 3n }],
    });
  });

  stage.it('X41: a copy is independent of the original', async () => {
    const [actor] = await stage.actors(1);
    const record = stage.share(new Sample(VALUES));
    const copy = record.toObject();
    copy.tags[0] = 99;
    copy.inner.big = 99n;
    await actor.do('put', record, 'x', 99);
    assert.equal(record.tags.at(0), 1);
    assert.equal(record.inner.big, -5n);
    assert.equal(copy.x, 0.5);
    const second = stage.share(new Sample(copy));
    second.small = 1;
    assert.equal(record.small, 255);
  });

  stage.it(
    'records and their arrays are arguments: a child gets working accessors, and no copy',
    async () => {
      const record = stage.share(new Sample(VALUES));
      const array = stage.share(Sample.array(2));
      const worker = stage.worker({ target: changesRecords, args: [record, array] });
      worker.start();
      assert.deepEqual(await worker.result, { seen: VALUES, same: true });
      assert.equal(await worker.join(), true);
      assert.equal(record.x, 1.5);
      assert.equal(record.tags.at(3), 65_535);
      assert.equal(record.inner.big, 2n ** 62n);
      assert.equal(record.list.at(2).flag, true);
      assert.equal(array.at(1).name, 'from the child');
    },
  );

  stage.it(
    'an array of records gives the records themselves, and sets several fields at once or none',
    async () => {
      const [actor] = await stage.actors(1);
      const array = stage.share(Sample.array([{ x: 1 }, { x: 2, name: 'second' }, {}]));
      assert.equal(await actor.do('get', array, 'length'), 3);
      await actor.do('invoke', array, 'set', -1, { x: 3, tags: [5] });
      assert.deepEqual(
        [...array].map(({ x }) => x),
        [1, 2, 3],
      );
      assert.equal(array.at(2).tags.at(0), 5);
      await assert.rejects(actor.do('invoke', array, 'set', 0, { x: 9, small: 256 }), OUT_OF_RANGE);
      assert.equal(array.at(0).x, 1);
      for (const index of [3, -4, 0.5]) assert.throws(() => array.at(index), OUT_OF_RANGE);
      assert.equal(array.toArray()[1]?.name, 'second');
    },
  );

  stage.it('what does not fit is refused with the name of the field, and nothing is changed', async () => {
    const [actor] = await stage.actors(1);
    const record = stage.share(new Sample(VALUES));
    const before = record.toObject();
    const attempts: [values: object, error: object, field: RegExp][] = [
      [{ x: 1, small: 256 }, OUT_OF_RANGE, /Record\.small/],
      [{ x: 1, tags: [1, 2, 65_536] }, OUT_OF_RANGE, /Record\.tags\[2\]/],
      [{ x: 1, tags: [1, 2, 3, 4, 5] }, OUT_OF_RANGE, /Record\.tags/],
      [{ x: 1, name: 'seventeen letters' }, OUT_OF_RANGE, /Record\.name.*17.*16/],
      [{ x: 1, inner: { big: 2n ** 63n } }, OUT_OF_RANGE, /Record\.inner\.big/],
      [{ x: 1, list: [{}, { flag: 1 }] }, INVALID_TYPE, /Record\.list\[1\]\.flag/],
      [{ x: '1' }, INVALID_TYPE, /Record\.x/],
      [{ x: 1, y: 2 }, INVALID_TYPE, /"y"/],
      [{ x: 1, tags: 5 }, INVALID_TYPE, /Record\.tags/],
    ];
    for (const [values, error, message] of attempts) {
      await assert.rejects(actor.do('invoke', record, 'assign', values), { ...error, message });
      assert.throws(() => new Sample(values), { ...error, message });
    }
    assert.deepEqual(record.toObject(), before);
  });

  stage.it('has the lock that was given, its own, or none', async () => {
    const [actor] = await stage.actors(1);
    const record = stage.share(new Inner());
    const other = stage.share(Inner.array(2, { lock: record.lock }));
    const hold = record.lock.acquireSync();
    assert.equal(await actor.do('get', other, 'lock.locked'), true);
    hold.release();
    assert.throws(() => stage.share(new Inner({}, { lock: false })).lock, INVALID_TYPE);
  });

  stage.it('lies in memory as in C', async () => {
    const Mixed = struct({ a: 'u8', b: 'f64', c: 'u16', d: 'char[3]', e: Inner, f: 'i32' });
    assert.equal(Inner.size, 16);
    assert.equal(Mixed.size, 48);
    assert.equal(struct({ a: 'u8', b: 'u8[3]' }).size, 4);
  });

  stage.it('opens by handle and name, as long as the struct is the same', async () => {
    const record = stage.share(new Sample(VALUES, { name: 'sample' }));
    const Same = struct(Sample.schema);
    const Other = struct({ x: 'f64' });
    assert.equal(stage.share(Same.open(record.handle)).x, 0.5);
    assert.equal(stage.share(new Same({}, { name: 'sample' })).x, 0.5);
    assert.ok(stage.share(Sample.open(record.handle)) instanceof Sample);
    assert.equal(record.describe().name, 'sample');
    assert.equal(record.name, 'first');
    const forged = record.handle.replace(/schema=[^&]*/, `schema=${encodeURIComponent('{"x":"u8"}')}`);
    for (const open of [
      () => Other.open(record.handle),
      () => Sample.openArray(record.handle),
      () => openShared(forged),
      () => openShared(record.handle.replace(/schema=[^&]*/, 'schema=%7B')),
      () => openShared(record.handle.replace(/&schema=[^&]*/, '')),
    ])
      assert.throws(open, HANDLE);
    assert.throws(() => new Other({}, { name: 'sample' }), INVALID_TYPE);
    assert.throws(() => Sample.array(1, { name: 'sample' }), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
    const array = stage.share(Sample.array(3));
    assert.equal(stage.share(RecordArray.open(array.handle)).length, 3);
    assert.throws(() => Other.openArray(array.handle), HANDLE);
  });

  stage.it('may be extended, and its fields may have names that messages use', async () => {
    class Square extends struct({ side: 'f64', title: 'char[8]', summary: 'u8' }) {
      get area(): number {
        return this.side ** 2;
      }
    }
    const square = new Square({ side: 3, title: 'three' });
    const again = Square.open(square.handle) as SharedRecord<typeof Square.schema> & { area: number };
    assert.deepEqual([square.area, again.area, again.title], [9, 9, 'three']);
    assert.deepEqual(JSON.parse(JSON.stringify(square)), square.toObject());
    const squares = Square.array(1);
    assert.deepEqual(JSON.parse(JSON.stringify(squares.at(0))), { side: 0, title: '', summary: 0 });
    squares.close();
    for (const object of [square, again]) object.close();
    assert.throws(() => square.side, { code: 'ERR_LOCKSTEP_CLOSED' });
    assert.equal(String(square), '<Record closed>');
  });
});
