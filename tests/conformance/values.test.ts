/**
 * Values that are put into a Queue come out the same: compared with structured clone, value by
 * value.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Queue } from 'lockstep';
import { Random } from '../soak/random.ts';
import { contend } from '../support/internals.ts';

/** More than it takes until objects of a shape are made by a function of their own. */
const MANY = 300;
const PRINCIPAL = fileURLToPath(new URL('../programs/shapes.js', import.meta.url));

function through<Item>(queue: Queue<Item>, value: Item): Item {
  queue.putSync(value);
  return queue.getSync();
}

function same(queue: Queue<unknown>, value: unknown): void {
  assert.deepStrictEqual(through(queue, value), structuredClone(value));
}

for (const contended of [false, true]) {
  describe(`values through a Queue${contended ? ' where others put and take' : ''}`, () => {
    const queue = new Queue<unknown>({ bytes: 2 ** 20 });
    if (contended) contend(queue);

    it('strings of every length, narrow and wide, with lone surrogates', () => {
      for (let length = 0; length <= 120; length++) {
        for (const piece of ['abcdefghij', 'äöüß\u00ff\0', 'aЖ', '😀', '\ud800x']) {
          same(queue, piece.repeat(length).slice(0, length));
        }
      }
      same(queue, 'x'.repeat(500_000));
      same(queue, 'Ж'.repeat(100_000));
    });

    it('numbers, with -0, NaN and the ends of their ranges', () => {
      for (const number of [
        0,
        -0,
        1,
        127,
        128,
        -1,
        -129,
        2 ** 31 - 1,
        -(2 ** 31),
        2 ** 31,
        2 ** 53,
        0.1,
        1e308,
      ]) {
        same(queue, number);
        same(queue, -number);
      }
      for (const number of [Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE]) same(queue, number);
    });

    it('arrays of every length, with holes', () => {
      for (let length = 0; length <= 40; length++)
        same(
          queue,
          Array.from({ length }, (_, n) => n * 1000),
        );
      const holed = [1, 2, 3];
      Reflect.deleteProperty(holed, 1);
      same(queue, holed);
      same(queue, new Array(5));
      same(queue, /(?<year>\d+)-(\d+)/.exec('on 2026-11-21'));
    });

    it('objects of one shape, again and again', () => {
      for (let id = 0; id < MANY; id++) {
        same(queue, {
          id,
          name: `item ${id}`,
          tags: ['red', 'green'],
          nested: { id, deep: { ok: id % 2 === 0 } },
        });
      }
    });

    it('objects whose keys come in another order, or are more or fewer', () => {
      for (let round = 0; round < MANY; round++) {
        const objects = [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1 }, { a: 1, b: 2, c: 3 }, {}];
        for (const object of objects) {
          const got = through(queue, object) as object;
          assert.deepStrictEqual(Object.entries(got), Object.entries(object));
        }
      }
    });

    it('objects of two shapes that take turns at the same place', () => {
      const small = new Queue<unknown>({ bytes: 1024 });
      for (let lap = 0; lap < 30; lap++) {
        for (let n = 0; n < 42; n++) {
          same(small, n > 0 ? 'x'.repeat(10) : lap % 2 === 0 ? { ax: 1, bz: 2 } : { cx: 3, dz: 4 });
        }
      }
    });

    it('keys of any kind', () => {
      const long = 'k'.repeat(300);
      const odd = ['', 'ключ', '\u2028', '"', '\\', '1', '0', 'constructor', 'toString', long, 'a b', '\0'];
      for (let round = 0; round < MANY; round++) {
        for (const key of odd) same(queue, { before: 1, [key]: round, after: 2 });
      }
      const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`key ${n}`, n]));
      same(queue, many);
      same(queue, Object.fromEntries(Object.entries(many).slice(0, 16)));
      same(queue, Object.fromEntries(Object.entries(many).slice(0, 15)));
    });

    it('a key called __proto__ is a key', () => {
      for (let round = 0; round < MANY; round++) {
        const got = through(queue, JSON.parse('{"a":1,"__proto__":{"evil":true}}')) as object;
        assert.equal(Object.getPrototypeOf(got), Object.prototype);
        assert.deepEqual(Object.keys(got), ['a', '__proto__']);
        assert.equal('evil' in got, false);
      }
    });

    it('objects used as dictionaries, of more keys than are remembered', () => {
      for (let n = 0; n < 30_000; n++) {
        const got = through(queue, { [`user ${n}`]: n, [`other ${n}`]: n }) as object;
        assert.deepStrictEqual(Object.entries(got), [
          [`user ${n}`, n],
          [`other ${n}`, n],
        ]);
      }
    });

    it('what all objects inherit is no part of a value', () => {
      through(queue, { inherited: 1 });
      Object.defineProperty(Object.prototype, 'inherited', {
        value: 1,
        enumerable: true,
        configurable: true,
      });
      try {
        assert.deepEqual(Object.keys(through(queue, { own: 1 }) as object), ['own']);
        assert.deepEqual(Object.keys(through(queue, {}) as object), []);
      } finally {
        Reflect.deleteProperty(Object.prototype, 'inherited');
      }
    });

    it('an object that a getter changes while it is read is sent, or refused, as a whole', () => {
      const changing = {
        a: 1,
        get b(): number {
          Reflect.deleteProperty(this, 'c');
          return 2;
        },
        c: 3,
      };
      const got = through(queue, changing) as Record<string, number>;
      assert.equal(got.a, 1);
      assert.equal(got.b, 2);
      assert.ok(!('c' in got) || got.c === undefined);
      same(queue, 'what comes after it');
    });

    it('what occurs twice, or within itself, after its shape is known well', () => {
      for (let id = 0; id < MANY; id++) same(queue, { id, next: null });
      const node: Record<string, unknown> = { id: 1, next: null };
      node.next = node;
      const got = through(queue, node) as typeof node;
      assert.equal(got.next, got);
      const twin = { id: 1, next: null };
      const [first, second] = through(queue, [twin, twin]) as [object, object];
      assert.equal(first, second);
      const list = Array.from({ length: 40 }, (_, n) => ({ id: n }));
      const twice = through(queue, [...list, ...list]) as object[];
      for (const [n, each] of list.entries()) {
        assert.equal(twice[n], twice[n + 40]);
        assert.deepStrictEqual(twice[n], each);
      }
    });

    it('views of bytes with memory of their own, which holds nothing else', () => {
      const bytes = new Uint8Array(64).map((_, index) => index).buffer;
      for (const view of [
        new Float64Array([1.5, Number.NaN]),
        new Float64Array(bytes, 16, 2),
        new Uint16Array(bytes, 2, 3),
        new Uint8ClampedArray(bytes, 1, 3),
        new BigInt64Array(bytes, 8, 1),
        new DataView(bytes, 3, 5),
        new Uint8Array(bytes, 5, 7),
        Buffer.from('of the pool'),
        Buffer.alloc(0),
      ]) {
        for (const value of [view, { before: 'x', view }, new Map([['view', view]])]) {
          const got = through<unknown>(queue, value);
          const found =
            got instanceof Map
              ? got.get('view')
              : ArrayBuffer.isView(got)
                ? got
                : Reflect.get(got as object, 'view');
          assert.deepStrictEqual(found, structuredClone(view));
          assert.equal((found as Uint8Array).buffer.byteLength, view.byteLength);
        }
      }
    });

    it('errors whose fields have odd names, or throw when they are read', () => {
      const odd = Object.defineProperty(new RangeError('odd', { cause: new Error('why') }), 'broken', {
        enumerable: true,
        get() {
          throw new Error('not for you');
        },
      });
      const got = through<unknown>(queue, Object.assign(odd, { constructor: 1, valueOf: 2 })) as typeof odd;
      assert.ok(got instanceof RangeError);
      assert.equal(got.message, 'odd');
      assert.equal((got.cause as Error).message, 'why');
      assert.deepEqual({ ...got }, { constructor: 1, valueOf: 2 });
    });

    it('objects without a prototype become plain ones', () => {
      const bare = Object.assign(Object.create(null) as Record<string, unknown>, { a: 1 });
      same(queue, bare);
    });

    it('values made at random', () => {
      const random = new Random(20_261_121);
      for (let n = 0; n < 3000; n++) same(queue, randomValue(random, 0));
    });

    it('objects are made without compiling where no code may be made', () => {
      const output = execFileSync(process.execPath, ['--disallow-code-generation-from-strings', PRINCIPAL]);
      assert.equal(output.toString().trim(), '300 objects came through');
    });
  });
}

function randomValue(random: Random, depth: number): unknown {
  const kinds = depth > 3 ? 9 : 14;
  switch (random.below(kinds)) {
    case 0:
      return random.below(300) - 150;
    case 1:
      return random.below(2 ** 31) * (random.below(2) === 0 ? 1 : -3);
    case 2:
      return random.below(1000) / 7;
    case 3:
      return 'some Ж text\u00e4 of a length'.slice(0, random.below(25)).repeat(random.below(4));
    case 4:
      return [null, undefined, true, false][random.below(4)];
    case 5:
      return BigInt(random.below(2 ** 31)) ** BigInt(random.below(6)) * (random.below(2) === 0 ? 1n : -1n);
    case 6:
      return new Date(random.below(2 ** 31) * 1000);
    case 7:
      return new Uint8Array(random.below(200)).fill(random.below(256));
    case 8:
      return ['red', 'green', 'blue'][random.below(3)];
    case 9:
      return new Map([[randomValue(random, 9), randomValue(random, depth + 1)]]);
    case 10:
    case 11:
      return Array.from({ length: random.below(20) }, () => randomValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(18) }, () => [
          `key${random.below(12)}`,
          randomValue(random, depth + 1),
        ]),
      );
  }
}
