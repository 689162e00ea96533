/**
 * Strict: an assignment that would not reach the shared data is refused, also in sloppy mode;
 * nothing else is in the way.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  Lock,
  Process,
  Queue,
  RawArray,
  RawValue,
  ShareableList,
  SharedArray,
  struct,
  Thread,
  Value,
} from 'lockstep';

const Point = struct({ x: 'f64', name: 'char[8]' });
/** Code in which an ignored assignment would not throw. */
const assignSloppily = new Function('object', 'key', 'object[key] = 5;') as (
  object: object,
  key: string,
) => void;
const assignStrictly = (object: object, key: string): void => {
  (object as Record<string, unknown>)[key] = 5;
};

const CASES: [what: string, make: () => object, key: string, message: RegExp][] = [
  ['an index of a SharedArray', () => new SharedArray('i32', 3), '0', /write set\(0, 5\)/],
  ['a negative index', () => new SharedArray('i32', 3), '-1', /write set\(-1, 5\)/],
  ['an index of a RawArray', () => new RawArray('i32', 3), '2', /write set\(2, 5\)/],
  ['an index of a list', () => new ShareableList([1, 2]), '1', /write set\(1, 5\)/],
  ['an index of records', () => Point.array(2), '1', /write set\(1, 5\)/],
  ['an index of what has no elements', () => new Lock(), '0', /it has no elements/],
  [
    'a field that a record does not have',
    () => new Point({ x: 1 }),
    'y',
    /there is no field `y` to assign; it has `x`, `name`/,
  ],
  ['a misspelt field', () => new Point({ x: 1 }), 'nmae', /did you mean `name`\?/],
  ['a misspelt value', () => new Value('i32'), 'vlaue', /did you mean `value`\?/],
  ['a misspelt raw value', () => new RawValue('i32'), 'val', /there is no property `val`/],
  ['what only tells', () => new Lock(), 'locked', /`locked` can't be assigned, it only tells/],
  ['a length', () => new SharedArray('i32', 3), 'length', /`length` can't be assigned, it only tells/],
  [
    'a misspelt daemon',
    () => new Process({ target: { module: import.meta.url, export: 'none' } }),
    'deamon',
    /^Process "Process-\d+": refused, there is no property `deamon` to assign; did you mean `daemon`\?/,
  ],
  [
    'a misspelt name of a thread',
    () => new Thread({ target: { module: import.meta.url, export: 'none' } }),
    'nmae',
    /did you mean `name`\?/,
  ],
  [
    'what a child only tells',
    () => new Process({ target: { module: import.meta.url, export: 'none' } }),
    'exitCode',
    /`exitCode` can't be assigned, it only tells/,
  ],
  ['a property of a queue', () => new Queue(), 'label', /there is no property `label`/],
];

describe('strict assignment', { concurrency: true }, () => {
  for (const [what, make, key, message] of CASES) {
    it(`${what} is refused, strict or sloppy`, () => {
      for (const assign of [assignStrictly, assignSloppily]) {
        const object = make();
        assert.throws(() => assign(object, key), { code: 'ERR_LOCKSTEP_INVALID_TYPE', message });
        assert.equal(Object.hasOwn(object, key), false);
      }
    });
  }

  it('a child holds what the program keeps in it, and stays an emitter of events', () => {
    class Named extends Process {
      names = ['a'];
      constructor() {
        super({ target: { module: import.meta.url, export: 'none' } });
        Object.assign(this, { deamon: 1, daemons: 2 });
      }
    }
    const child = new Named();
    const plain = Object.assign(new Process({ target: { module: import.meta.url, export: 'none' } }), {
      tag: 5,
      0: 'first',
    });
    child.once('exit', () => {});
    plain.setMaxListeners(3);
    plain.daemon = true;
    plain.name = 'renamed';
    assert.deepEqual([child.names, Reflect.get(child, 'deamon'), child.listenerCount('exit')], [['a'], 1, 1]);
    assert.deepEqual([plain.tag, plain[0], plain.daemon, plain.name], [5, 'first', true, 'renamed']);
    assert.ok(plain instanceof EventEmitter);
  });

  it('reading by an index says to write at()', () => {
    const array = new SharedArray('i32', 3) as unknown as Record<number, unknown>;
    assert.throws(() => array[0], /write at\(0\)/);
  });

  it('fields, values and elements that there are can be assigned', () => {
    const point = new Point({ x: 1 });
    point.x = 7;
    assert.equal(point.x, 7);
    const value = new Value('i32');
    assignSloppily(value, 'value');
    assert.equal(value.value, 5);
  });

  it('a subclass may have fields of its own, and set more later; elements stay refused', () => {
    class Named extends Lock {
      label = 'mine';
      #secret = 1;
      get secret(): number {
        return this.#secret;
      }
    }
    const named = new Named() as Named & { later?: number };
    named.later = 2;
    assert.deepEqual([named.label, named.secret, named.later], ['mine', 1, 2]);
    class Numbers extends SharedArray {
      unit = 'm';
    }
    const numbers = new Numbers('i32', 2);
    assert.equal(numbers.unit, 'm');
    assert.throws(() => assignStrictly(numbers, '0'), /write set\(0, 5\)/);
  });

  it('inspect, JSON, comparison, symbols, `in` and promises work as on any object', async () => {
    for (const object of [
      new Lock(),
      new SharedArray('i32', [1, 2]),
      new Point({ x: 1 }),
      new ShareableList([1]),
      new Value('i32'),
    ]) {
      assert.match(inspect(object), /^</);
      assert.equal(typeof JSON.stringify(object), 'string');
      assert.equal(await object, object);
      assert.equal(await Promise.resolve(object), object);
      assert.deepEqual([object], [object]);
      assert.notDeepEqual({ object }, { object: 1 });
      const tag = Symbol('tag');
      (object as unknown as Record<symbol, number>)[tag] = 1;
      assert.equal((object as unknown as Record<symbol, number>)[tag], 1);
      assert.equal('nothing' in object, false);
      assert.equal((object as unknown as { nothing: unknown }).nothing, undefined);
    }
  });
});
