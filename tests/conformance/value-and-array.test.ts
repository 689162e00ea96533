/** The contract of Value and Array, locked and raw, case by case (part O of the behaviours). */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { RawArray, RawValue, SharedArray, Value } from 'lockstep';
import { suite } from '../support/stage.ts';

const INTEGERS = ['b', 'B', 'h', 'H', 'i', 'I', 'i8', 'u8', 'i16', 'u16', 'i32', 'u32'] as const;
const BIG = ['l', 'L', 'q', 'Q', 'i64', 'u64'] as const;
const FLOATS = ['f', 'd', 'f32', 'f64'] as const;
const OUT_OF_RANGE = { name: 'RangeError', code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
const INVALID_TYPE = { name: 'TypeError', code: 'ERR_LOCKSTEP_INVALID_TYPE' };

/** The least and the greatest of each integer type. */
const RANGES: readonly [
  types: readonly (typeof INTEGERS | typeof BIG)[number][],
  least: bigint,
  most: bigint,
][] = [
  [['i8', 'b'], -128n, 127n],
  [['u8', 'B'], 0n, 255n],
  [['i16', 'h'], -32_768n, 32_767n],
  [['u16', 'H'], 0n, 65_535n],
  [['i32', 'i'], -(2n ** 31n), 2n ** 31n - 1n],
  [['u32', 'I'], 0n, 2n ** 32n - 1n],
  [['i64', 'q', 'l'], -(2n ** 63n), 2n ** 63n - 1n],
  [['u64', 'Q', 'L'], 0n, 2n ** 64n - 1n],
];

/** Something of each type to store in it. */
const samples: [
  type: (typeof INTEGERS | typeof BIG | typeof FLOATS)[number] | 'bool',
  first: unknown,
  second: unknown,
][] = [
  ...INTEGERS.map((type) => [type, 7, 120] as const),
  ...BIG.map((type) => [type, 7n, 2n ** 62n] as const),
  ...FLOATS.map((type) => [type, 0.5, -1.25] as const),
  ['bool', true, false],
].map(([type, first, second]) => [type, first, second] as never);

suite('Value and Array', (stage) => {
  stage.it(
    'O171: values of every type are seen by others in both directions, with a lock and without',
    async () => {
      const [actor] = await stage.actors(1);
      for (const [type, first, second] of samples) {
        for (const Class of [Value, RawValue]) {
          const value = stage.share(new Class(type, first as never));
          assert.equal(await actor.do('get', value, 'value'), first, `${Class.name} ${type}`);
          await actor.do('put', value, 'value', second);
          assert.equal(value.value, second, `${Class.name} ${type}`);
        }
      }
    },
  );

  stage.it(
    'O171: elements of every type are seen by others in both directions, with a lock and without',
    async () => {
      const [actor] = await stage.actors(1);
      for (const [type, first, second] of samples) {
        for (const Class of [SharedArray, RawArray]) {
          const array = stage.share(new Class(type, [first, first, first] as never));
          await actor.do('invoke', array, 'set', -2, second);
          array.set(0, second as never);
          assert.deepEqual(await actor.do('list', array), [second, second, first], `${Class.name} ${type}`);
          assert.deepEqual([...array], [second, second, first], `${Class.name} ${type}`);
          assert.equal(array.view.length, 3);
        }
      }
    },
  );

  stage.it(
    'O172: the default value is zero, and an array of a length is filled with zeros, also in memory used before',
    async () => {
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('get', stage.share(new Value('f64')), 'value'), 0);
      assert.equal(stage.share(new RawValue('i64')).value, 0n);
      for (let round = 0; round < 20; round++) {
        const array = new SharedArray('u8', 5000);
        assert.ok(
          array.view.every((byte) => byte === 0),
          `round ${round}`,
        );
        array.fill(255);
        array.close();
        const value = new Value('u32');
        assert.equal(value.value, 0);
        value.value = 2 ** 32 - 1;
        value.close();
      }
      const array = stage.share(new RawArray('i16', 4));
      assert.deepEqual(await actor.do('list', array), [0, 0, 0, 0]);
    },
  );

  stage.it(
    'O174: ones added inside the lock, or atomically, are all there; added plainly some may be lost',
    async () => {
      const times = 2000;
      const actors = await stage.actors(4);
      for (const way of ['locked', 'atomically', 'plainly'] as const) {
        const counter = stage.share(way === 'locked' ? new Value('i32', 0) : new RawValue('i32', 0));
        await Promise.all(actors.map((actor) => actor.do('addOnes', counter, times, way)));
        if (way === 'plainly') assert.ok(counter.value <= 4 * times && counter.value > 0);
        else assert.equal(counter.value, 4 * times, way);
      }
    },
  );

  stage.it('O174: the lock is that which was given, or none', async () => {
    const [actor] = await stage.actors(1);
    const array = stage.share(new SharedArray('i32', 2));
    const same = stage.share(new SharedArray('i32', 2, { lock: array.getLock() }));
    assert.equal(same.lock.handle, array.lock.handle);
    const hold = array.lock.acquireSync();
    assert.equal(await actor.do('get', same, 'lock.locked'), true);
    hold.release();
    assert.equal(
      array.runSync(() => array.lock.locked),
      true,
    );
    assert.equal(await array.run(async () => array.lock.locked), true);
    const none = stage.share(new SharedArray('i32', 2, { lock: false }));
    assert.throws(() => none.lock, INVALID_TYPE);
    await assert.rejects(actor.do('get', none, 'lock'), INVALID_TYPE);
  });

  // In Python integers out of range wrap around. Here they are refused, as the API says.
  stage.it(
    'O175: a value that does not fit the type is refused and changes nothing; so is a wrong type',
    async () => {
      const [actor] = await stage.actors(1);
      const array = stage.share(new SharedArray('i32', [1, 2, 3]));
      const bytes = stage.share(new RawArray('B', [1, 2, 3]));
      for (const value of [2 ** 40, -(2 ** 31) - 1, 0.5, Number.NaN])
        await assert.rejects(actor.do('invoke', array, 'set', 1, value), OUT_OF_RANGE);
      for (const value of [-1, 256])
        await assert.rejects(actor.do('invoke', bytes, 'set', 1, value), OUT_OF_RANGE);
      for (const value of ['5', null, undefined, {}, 5n])
        await assert.rejects(actor.do('invoke', array, 'set', 1, value), INVALID_TYPE);
      await assert.rejects(actor.do('invoke', bytes, 'fill', 256), OUT_OF_RANGE);
      assert.deepEqual([...array], [1, 2, 3]);
      assert.deepEqual([...bytes], [1, 2, 3]);
    },
  );

  stage.it(
    'O175: each integer type takes its least and its greatest, and nothing beyond, alone and in arrays',
    async () => {
      const [actor] = await stage.actors(1);
      const big: readonly string[] = BIG;
      for (const [types, least, most] of RANGES) {
        for (const type of types) {
          const typed = (value: bigint): unknown => (big.includes(type) ? value : Number(value));
          for (const Class of [Value, RawValue]) {
            const value = stage.share(new Class(type));
            for (const fits of [least, most]) {
              await actor.do('put', value, 'value', typed(fits));
              assert.equal(value.value, typed(fits), `${Class.name} ${type}`);
              value.value = typed(fits) as never;
              assert.equal(await actor.do('invoke', value, 'exchange', typed(fits)), typed(fits));
            }
            for (const wrong of [least - 1n, most + 1n]) {
              await assert.rejects(
                actor.do('put', value, 'value', typed(wrong)),
                OUT_OF_RANGE,
                `${type} ${wrong}`,
              );
              await assert.rejects(actor.do('invoke', value, 'exchange', typed(wrong)), OUT_OF_RANGE);
              assert.throws(() => new Class(type, typed(wrong) as never), OUT_OF_RANGE);
            }
            assert.equal(value.value, typed(most), `${Class.name} ${type}`);
            value.close();
          }
          for (const Class of [SharedArray, RawArray]) {
            const array = stage.share(new Class(type, [typed(least), typed(most)] as never));
            assert.deepEqual(await actor.do('list', array), [typed(least), typed(most)]);
            for (const wrong of [least - 1n, most + 1n]) {
              assert.throws(() => array.set(0, typed(wrong) as never), OUT_OF_RANGE);
              assert.throws(() => new Class(type, [typed(wrong)] as never), OUT_OF_RANGE);
            }
            assert.deepEqual([...array], [typed(least), typed(most)], `${Class.name} ${type}`);
            array.close();
          }
        }
      }
    },
  );

  stage.it(
    'O175: a Value refuses what is of a wrong type or no whole number, and keeps what it has',
    async () => {
      const [actor] = await stage.actors(1);
      for (const Class of [Value, RawValue]) {
        const [small, large] = [stage.share(new Class('i32', 7)), stage.share(new Class('u64', 7n))];
        const [float, flag] = [stage.share(new Class('f64', 0.5)), stage.share(new Class('bool', true))];
        for (const wrong of [0.5, Number.NaN, Number.POSITIVE_INFINITY])
          await assert.rejects(actor.do('put', small, 'value', wrong), OUT_OF_RANGE);
        for (const wrong of ['5', null, undefined, {}, [], true, 5n])
          await assert.rejects(actor.do('put', small, 'value', wrong), INVALID_TYPE);
        for (const wrong of [0.5, 2 ** 53])
          await assert.rejects(actor.do('put', large, 'value', wrong), OUT_OF_RANGE);
        for (const wrong of ['5', null, undefined, {}, true])
          await assert.rejects(actor.do('put', large, 'value', wrong), INVALID_TYPE);
        for (const wrong of ['0.5', null, undefined, {}, 5n, true])
          await assert.rejects(actor.do('put', float, 'value', wrong), INVALID_TYPE);
        for (const wrong of ['true', null, undefined, 1, 0n])
          await assert.rejects(actor.do('put', flag, 'value', wrong), INVALID_TYPE);
        assert.deepEqual([small.value, large.value, float.value, flag.value], [7, 7n, 0.5, true]);
      }
    },
  );

  // As the instruction of the processor does, and as in Python by way of the type.
  stage.it('O175: adding atomically wraps around at the width of the type', async () => {
    const [actor] = await stage.actors(1);
    for (const Class of [Value, RawValue]) {
      for (const [types, least, most] of RANGES) {
        for (const type of types) {
          const one = (BIG as readonly string[]).includes(type) ? 1n : 1;
          const value = stage.share(
            new Class(type, (typeof one === 'bigint' ? most : Number(most)) as never),
          );
          assert.equal(BigInt((await actor.do('invoke', value, 'add', one)) as bigint), most, type);
          assert.equal(BigInt(value.value), least, type);
          assert.equal(BigInt((await actor.do('invoke', value, 'sub', one)) as bigint), least, type);
          assert.equal(BigInt(value.value), most, type);
          value.close();
        }
      }
    }
  });

  stage.it('O175: an index outside is refused, also for reading', async () => {
    const [actor] = await stage.actors(1);
    const array = stage.share(new SharedArray('f64', [1, 2, 3]));
    assert.equal(await actor.do('invoke', array, 'at', -3), 1);
    assert.equal(await actor.do('invoke', array, 'at', 2), 3);
    for (const index of [3, -4, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(actor.do('invoke', array, 'at', index), OUT_OF_RANGE);
      await assert.rejects(actor.do('invoke', array, 'set', index, 5), OUT_OF_RANGE);
    }
    await assert.rejects(actor.do('invoke', array, 'at', '1'), INVALID_TYPE);
    assert.deepEqual([...array], [1, 2, 3]);
  });

  stage.it(
    'O177: text: value ends before the first NUL, raw has all bytes, too long is refused, an exact fit is allowed',
    async () => {
      const [actor] = await stage.actors(1);
      const text = stage.share(new SharedArray('char', 6));
      assert.equal(text.value, '');
      await actor.do('put', text, 'value', 'abc');
      assert.equal(text.value, 'abc');
      assert.deepEqual([...text.raw], [97, 98, 99, 0, 0, 0]);
      text.value = 'abcdef';
      assert.equal(await actor.do('get', text, 'value'), 'abcdef');
      await assert.rejects(actor.do('put', text, 'value', 'abcdefg'), OUT_OF_RANGE);
      await assert.rejects(actor.do('put', text, 'raw', new Uint8Array(7)), OUT_OF_RANGE);
      // Six characters, seven bytes.
      await assert.rejects(actor.do('put', text, 'value', 'abcdeé'), OUT_OF_RANGE);
      assert.equal(text.value, 'abcdef');
      text.raw = Uint8Array.of(120, 0, 121, 122);
      assert.equal(await actor.do('get', text, 'value'), 'x');
      assert.deepEqual([...text.raw], [120, 0, 121, 122, 101, 102]);
      const exact = stage.share(new RawArray('c', 'héllo'));
      assert.equal(exact.length, 6);
      assert.equal(await actor.do('get', exact, 'value'), 'héllo');
      assert.throws(() => stage.share(new SharedArray('u8', 3)).value, INVALID_TYPE);
    },
  );

  stage.it('one of a name is the same for all; another type or length is refused', async () => {
    const array = stage.share(new SharedArray('i32', [1, 2, 3], { name: 'numbers' }));
    const same = stage.share(new SharedArray('i', 3, { name: 'numbers' }));
    assert.deepEqual([...same], [1, 2, 3]);
    assert.equal(same.lock.handle, array.lock.handle);
    assert.equal(same.view.buffer, array.view.buffer);
    assert.throws(() => new SharedArray('i32', 4, { name: 'numbers' }), INVALID_TYPE);
    assert.throws(() => new SharedArray('u32', 3, { name: 'numbers' }), INVALID_TYPE);
    assert.throws(() => new Value('i32', 3, { name: 'numbers' }), { code: 'ERR_LOCKSTEP_NAME_TAKEN' });
  });

  stage.it('an array of no elements is one', async () => {
    const [actor] = await stage.actors(1);
    const array = stage.share(new SharedArray('i32', 0));
    assert.deepEqual(await actor.do('list', array), []);
    await assert.rejects(actor.do('invoke', array, 'at', 0), OUT_OF_RANGE);
    assert.equal(stage.share(new SharedArray('f64', [])).length, 0);
  });
});
