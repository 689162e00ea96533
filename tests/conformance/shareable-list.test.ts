/** The contract of ShareableList, case by case (part P of the behaviours). */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { type ListValue, ShareableList } from 'lockstep';
import { suite } from '../support/stage.ts';

const OUT_OF_RANGE = { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
const INVALID_TYPE = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };

const VALUES: ListValue[] = [
  'pending',
  '',
  0.1,
  -0,
  Number.NaN,
  2n ** 63n - 1n,
  -(2n ** 63n),
  true,
  false,
  null,
  Uint8Array.of(0, 1, 0),
  'é'.repeat(10),
];

suite('ShareableList', (stage) => {
  stage.it('holds text, bytes, numbers, booleans and null, which others see and replace', async () => {
    const [actor] = await stage.actors(1);
    const list = stage.share(new ShareableList(VALUES));
    assert.equal(list.length, VALUES.length);
    assert.deepEqual(await actor.do('list', list), VALUES);
    await actor.do('invoke', list, 'set', -2, new Uint8Array(8).fill(5));
    await actor.do('invoke', list, 'set', 0, null);
    assert.deepEqual(list.at(-2), new Uint8Array(8).fill(5));
    assert.equal(list.at(0), null);
    assert.deepEqual(list.toArray().slice(1, 10), VALUES.slice(1, 10));
  });

  stage.it(
    'P189: text is limited to its slot: filling it works, one byte more is refused, neighbours are untouched',
    async () => {
      const [actor] = await stage.actors(1);
      const list = stage.share(new ShareableList(['left', 'middle', 'right', 'nine byte', 5]));
      await actor.do('invoke', list, 'set', 1, '12345678');
      await assert.rejects(actor.do('invoke', list, 'set', 1, '123456789'), {
        ...OUT_OF_RANGE,
        message: /9 bytes.*8/,
      });
      await actor.do('invoke', list, 'set', 3, 'x'.repeat(16));
      await assert.rejects(actor.do('invoke', list, 'set', 3, 'x'.repeat(17)), OUT_OF_RANGE);
      await assert.rejects(actor.do('invoke', list, 'set', 4, new Uint8Array(9)), OUT_OF_RANGE);
      assert.deepEqual([...list], ['left', '12345678', 'right', 'x'.repeat(16), 5]);
    },
  );

  stage.it('P190: an index outside is refused, for reading and writing', async () => {
    const [actor] = await stage.actors(1);
    const list = stage.share(new ShareableList([1, 2, 3]));
    for (const index of [3, -4, 0.5, Number.NaN]) {
      await assert.rejects(actor.do('invoke', list, 'at', index), OUT_OF_RANGE);
      await assert.rejects(actor.do('invoke', list, 'set', index, 1), OUT_OF_RANGE);
    }
    assert.deepEqual([...list], [1, 2, 3]);
  });

  // Python raises for an absent value; JavaScript's way of saying it is -1.
  stage.it(
    'P190: indexOf gives the first place of a value, -1 where it is absent; count gives the number',
    async () => {
      const [actor] = await stage.actors(1);
      const list = stage.share(new ShareableList(['a', 1, 'a', true, null, Uint8Array.of(1)]));
      assert.equal(await actor.do('invoke', list, 'indexOf', 'a'), 0);
      assert.equal(await actor.do('invoke', list, 'indexOf', 'b'), -1);
      assert.equal(await actor.do('invoke', list, 'indexOf', 1n), -1);
      assert.equal(await actor.do('invoke', list, 'indexOf', Uint8Array.of(1)), 5);
      assert.equal(await actor.do('invoke', list, 'count', 'a'), 2);
      assert.equal(await actor.do('invoke', list, 'count', false), 0);
    },
  );

  stage.it('P190: a value that a list cannot hold, or that does not fit 64 bits, is refused', async () => {
    const [actor] = await stage.actors(1);
    const list = stage.share(new ShareableList([1, 'text']));
    for (const value of [undefined, {}, [], new Date(), Number]) {
      assert.throws(() => list.set(0, value as never), INVALID_TYPE);
      assert.throws(() => new ShareableList([value as never]), INVALID_TYPE);
    }
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n])
      await assert.rejects(actor.do('invoke', list, 'set', 0, value), OUT_OF_RANGE);
    assert.throws(() => list.set(0, Symbol('no') as never), INVALID_TYPE);
    for (const values of ['text', 5, null, undefined, {}])
      assert.throws(() => new ShareableList(values as never), INVALID_TYPE);
    assert.deepEqual([...list], [1, 'text']);
  });

  stage.it('P191: trailing NULs are kept, and text of several bytes a character is never cut', async () => {
    const [actor] = await stage.actors(1);
    const texts = ['ends\0\0', '\0', 'ééééé', '€€€', '😀😀😀'];
    const list = stage.share(new ShareableList([...texts, Uint8Array.of(1, 0, 0)]));
    assert.deepEqual(await actor.do('list', list), [...texts, Uint8Array.of(1, 0, 0)]);
    await assert.rejects(actor.do('invoke', list, 'set', 1, '😀😀😀'), OUT_OF_RANGE);
    await actor.do('invoke', list, 'set', 1, '😀😀');
    assert.deepEqual(list.toArray().slice(0, 3), ['ends\0\0', '😀😀', 'ééééé']);
    assert.throws(() => list.set(0, '\ud83d'), INVALID_TYPE);
  });

  stage.it('is opened by its name, by any program that knows it', async () => {
    const list = stage.share(new ShareableList([1, 'two'], { name: 'a-list' }));
    const same = stage.share(new ShareableList({ name: 'a-list' }));
    same.set(0, 5);
    assert.equal(list.at(0), 5);
    assert.equal(stage.share(new ShareableList([7, 8], { name: 'a-list' })).at(0), 5);
    assert.throws(() => new ShareableList([7], { name: 'a-list' }), INVALID_TYPE);
    assert.throws(() => new ShareableList({ name: 'no-list' }), { code: 'ERR_LOCKSTEP_NOT_FOUND' });
    assert.equal(stage.share(new ShareableList([])).length, 0);
    assert.equal(String(same), '<ShareableList "a-list" [ 5, \'two\' ]>');
  });
});
