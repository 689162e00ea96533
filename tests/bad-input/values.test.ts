/** Arguments of the wrong type or out of range: refused before anything is done. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import * as lockstep from 'lockstep';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  Pipe,
  Queue,
  RawArray,
  RLock,
  Semaphore,
  SharedArray,
  SharedMemory,
  struct,
  Value,
} from 'lockstep';
import { type KindMade, MAKERS, type Maker, Point } from './makers.ts';

const TYPE = 'ERR_LOCKSTEP_INVALID_TYPE';
const RANGE = 'ERR_LOCKSTEP_OUT_OF_RANGE';

/** Calls it with an argument of a type that TypeScript would not let through. */
function call(fn: (...args: never[]) => unknown, ...args: unknown[]): () => unknown {
  return () => Reflect.apply(fn, undefined, args);
}

function refused(body: () => unknown, code: string): void {
  assert.throws(body, (error: Error & { code?: unknown }) => {
    assert.equal(error.code, code, String(error));
    if (code === TYPE) assert.ok(error instanceof TypeError);
    if (code === RANGE) assert.ok(error instanceof RangeError);
    assert.match(error.message, /\S.{20,}/);
    return true;
  });
}

describe('a constructor', () => {
  it('of a Semaphore refuses a value that is not a number, or cannot be counted', () => {
    for (const make of [
      (value: number) => new Semaphore(value),
      (value: number) => new BoundedSemaphore(value),
    ]) {
      for (const value of ['3', null, {}, Object.create(null), true, 3n]) refused(call(make, value), TYPE);
      for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])
        refused(call(make, value), RANGE);
    }
  });

  it('of a Barrier refuses parties, action and timeout of the wrong kind', () => {
    const make = (parties: number, options?: object): Barrier => new Barrier(parties, options);
    for (const parties of ['2', null, undefined, {}, 2n]) refused(call(make, parties), TYPE);
    for (const parties of [0, -2, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 40])
      refused(call(make, parties), RANGE);
    for (const action of [5, 'count', {}, null]) refused(call(make, 2, { action }), TYPE);
    for (const timeout of [Number.NaN, '5', null, {}]) refused(call(make, 2, { timeout }), TYPE);
  });

  it('of a Condition refuses a lock that is none', () => {
    for (const lock of [5, 'lock', {}, new Event(), new Semaphore(), null]) {
      refused(
        call((given: Lock) => new Condition(given), lock),
        TYPE,
      );
    }
  });

  it('of a Value refuses unknown types and initial values that do not fit', () => {
    const make = (type: 'i32', value?: number, options?: object): unknown => new Value(type, value, options);
    for (const type of ['i31', '', 'I32', 'constructor', '__proto__', 5, null, undefined, {}])
      refused(call(make, type), TYPE);
    for (const value of ['5', null, {}, Object.create(null), true, 5n])
      refused(call(make, 'i32', value), TYPE);
    for (const value of [2 ** 31, -(2 ** 31) - 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      refused(call(make, 'i32', value), RANGE);
    for (const value of [-1, 256, 1.5]) refused(call(make, 'u8', value), RANGE);
    for (const lock of [5, 'yes', {}, Object.create(null)]) refused(call(make, 'i32', 0, { lock }), TYPE);
  });
});

describe('a method', () => {
  const lock = new Lock();
  const rlock = new RLock();
  const semaphore = new Semaphore(2);
  const bounded = new BoundedSemaphore(2);
  const condition = new Condition();
  const event = new Event();
  const barrier = new Barrier(2);
  const all = [lock, rlock, semaphore, bounded, condition, event, barrier];
  after(() => {
    for (const object of all) object.close();
  });

  it('run refuses anything but a function, before it takes anything', async () => {
    for (const object of [lock, rlock, semaphore, bounded, condition]) {
      for (const fn of [5, 'fn', null, undefined, {}, Promise.resolve()]) {
        refused(
          call((given: () => void) => object.runSync(given), fn),
          TYPE,
        );
        await assert.rejects(async () => object.run(fn as () => void), { code: TYPE });
      }
    }
    assert.equal(lock.locked, false);
    assert.equal(rlock.locked, false);
    assert.equal(semaphore.value, 2);
    assert.equal(bounded.value, 2);
  });

  it('runSync refuses a function that gives a promise, and releases', () => {
    for (const object of [lock, rlock, semaphore, bounded, condition]) {
      refused(() => object.runSync(async () => {}), TYPE);
    }
    assert.equal(lock.locked, false);
    assert.equal(rlock.locked, false);
    assert.equal(semaphore.value, 2);
    assert.equal(bounded.value, 2);
  });

  it('release of a semaphore refuses a count that is none', () => {
    for (const object of [semaphore, bounded]) {
      const release = (count: number): void => object.release(count);
      for (const count of ['1', null, {}, true, 1n]) refused(call(release, count), TYPE);
      for (const count of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
        refused(call(release, count), RANGE);
      assert.equal(object.value, 2);
    }
  });

  it('release of a Semaphore refuses more permits than can be counted', () => {
    refused(() => semaphore.release(2 ** 31), RANGE);
    assert.equal(semaphore.value, 2);
  });

  it('notify refuses a count that is not a number', () => {
    condition.runSync(() => {
      const notify = (count: number): void => condition.notify(count);
      for (const count of ['1', null, {}, true, 1n, Number.NaN]) refused(call(notify, count), TYPE);
    });
  });

  it('waitFor refuses a predicate that is not a function', async () => {
    for (const predicate of [5, null, undefined, 'true', {}]) {
      refused(
        call((given: () => boolean) => condition.waitForSync(given), predicate),
        TYPE,
      );
      await assert.rejects(async () => condition.waitFor(predicate as unknown as () => boolean), {
        code: TYPE,
      });
    }
  });

  it('of a Value refuses what does not fit its type, and keeps its value', () => {
    const value = new Value('i8', 5);
    const set = (given: number): void => {
      value.value = given;
    };
    for (const given of [128, -129, 0.5, Number.NaN]) refused(call(set, given), RANGE);
    for (const given of ['5', null, undefined, {}, 5n]) refused(call(set, given), TYPE);
    for (const given of ['5', null, {}, 5n]) {
      refused(
        call((n: number) => value.add(n), given),
        TYPE,
      );
    }
    assert.equal(value.value, 5);
    assert.throws(() => set(0.5), /0\.5 does not fit i8; pass a whole number from -128 to 127$/);
    const big = new Value('i64', 5n);
    const setBig = (given: bigint): void => {
      big.value = given;
    };
    for (const given of [2n ** 63n, -(2n ** 63n) - 1n, 0.5, 2 ** 53]) refused(call(setBig, given), RANGE);
    for (const given of ['5', null, true]) refused(call(setBig, given), TYPE);
    assert.equal(big.value, 5n);
    value.close();
    big.close();
  });
});

describe('shared data', () => {
  const make = (type: 'i32', source: number, options?: object): unknown =>
    new SharedArray(type, source, options);
  const makeRaw = (type: 'i32', source: number, options?: object): unknown =>
    new RawArray(type, source, options);

  it('of an array refuses unknown types, lengths and values that are none', () => {
    for (const each of [make, makeRaw]) {
      for (const type of ['i31', '', 'CHAR', 'char[5]', '__proto__', 5, null, undefined, {}])
        refused(call(each, type, 5), TYPE);
      for (const length of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
        refused(call(each, 'i32', length), RANGE);
      for (const source of ['5', null, undefined, {}, true, 5n]) refused(call(each, 'i32', source), TYPE);
      refused(call(each, 'u8', [1, 256]), RANGE);
      refused(call(each, 'u8', [1, '2']), TYPE);
      for (const options of [5, null, 'name']) refused(call(each, 'i32', 5, options), TYPE);
    }
    for (const lock of [5, null, 'lock', {}, new Event()]) refused(call(make, 'i32', 5, { lock }), TYPE);
  });

  it('of a struct refuses schemas that are none', () => {
    const schemas: unknown[] = [
      null,
      undefined,
      5,
      'f64',
      [],
      {},
      { x: 'f65' },
      { x: null },
      { x: [] },
      { 'a b': 'u8' },
    ];
    for (const schema of [
      ...schemas,
      { 1: 'u8' },
      { close: 'u8' },
      { x: ['u8', 3] },
      { x: 'char' },
      { x: {} },
    ])
      refused(call(struct as (schema: never) => unknown, schema), TYPE);
    for (const schema of [{ x: 'u8[0]' }, { x: [Point, 0] }, { x: [Point, 1.5] }, { x: `f64[${2 ** 30}]` }])
      refused(call(struct as (schema: never) => unknown, schema), RANGE);
    for (const values of [5, 'x', null, [1]].slice(0, 2))
      refused(
        call((given: object) => new Point(given), values),
        TYPE,
      );
    for (const source of ['5', null, undefined, {}])
      refused(
        call((given: number) => Point.array(given), source),
        TYPE,
      );
    for (const length of [-1, 0.5, Number.NaN])
      refused(
        call((given: number) => Point.array(given), length),
        RANGE,
      );
  });

  it('of a block refuses options that are none', () => {
    const block = (options: object): unknown => new SharedMemory(options as { name: string });
    for (const options of [null, undefined, 5, 'name', { create: 1, size: 5 }, { name: 5 }])
      refused(call(block, options), TYPE);
    for (const name of ['', 'a/b'])
      refused(call(block, { name, create: true, size: 1 }), 'ERR_LOCKSTEP_NAME');
  });
});

interface Openable {
  readonly open: (handle: string) => { close(): void };
}

describe('a handle', () => {
  const classes: Record<KindMade, Openable> = { ...lockstep, Record: Point };
  const live = Object.fromEntries(Object.entries<Maker>(MAKERS).map(([kind, make]) => [kind, make()]));
  after(() => {
    for (const object of Object.values(live)) object.close();
  });

  for (const [kind, make] of Object.entries<Maker>(MAKERS)) {
    const { open } = classes[kind as KindMade];
    const handle = live[kind]?.handle ?? '';

    it(`of a ${kind} that is not a string is a TypeError`, () => {
      for (const given of [5, null, undefined, {}, live[kind]]) refused(call(open, given), TYPE);
    });

    it(`of a ${kind} that is malformed is refused`, () => {
      for (const given of [
        '',
        'lock',
        handle.slice(0, 12),
        `x${handle}`,
        handle.replaceAll(/\d+/g, 'x'),
        `${kind}?`,
      ]) {
        refused(call(open, given), 'ERR_LOCKSTEP_HANDLE');
      }
    });

    it(`of a ${kind} is refused by every other class`, () => {
      for (const [other, object] of Object.entries(live)) {
        if (other !== kind) refused(call(open, object.handle), 'ERR_LOCKSTEP_HANDLE');
      }
    });

    it(`of a ${kind} that is closed everywhere is stale, also when its place is taken again`, () => {
      const again = open(handle);
      again.close();
      open(handle).close();
      const made = make();
      const stale = made.handle;
      made.close();
      refused(call(open, stale), 'ERR_LOCKSTEP_STALE_HANDLE');
      const others = Array.from({ length: 50 }, () => make());
      refused(call(open, stale), 'ERR_LOCKSTEP_STALE_HANDLE');
      for (const other of others) other.close();
    });
  }

  it('into a folder that is none of Lockstep is refused', () => {
    const { handle } = live.Lock as { handle: string };
    for (const folder of ['/etc', '/', '', '/nowhere', '../..', '/dev/null', '/proc/self']) {
      const forged = handle.replace(/in=[^&]*/, `in=${encodeURIComponent(folder)}`);
      assert.throws(
        () => Lock.open(forged),
        (error: Error & { code?: string }) => {
          assert.match(
            error.code ?? '',
            /^ERR_LOCKSTEP_(HANDLE|STALE_HANDLE|FOLDER)$/,
            `${folder}: ${String(error)}`,
          );
          return true;
        },
      );
    }
  });
});

describe('an object in workerData or a message of Node', () => {
  const makers: Record<string, (options?: undefined) => { close(): void }> = {
    ...MAKERS,
    Queue: () => new Queue(),
    Connection: () => Pipe()[0],
  };
  for (const [kind, make] of Object.entries(makers)) {
    it(`a ${kind}: the error says to send its handle`, () => {
      const object = make();
      const message =
        /^Symbol\(an object of Lockstep .*send its handle, .*Lock\.open\(handle\)\) could not be cloned/;
      assert.throws(() => structuredClone({ object }), { name: 'DataCloneError', message });
      assert.throws(() => new Worker('', { eval: true, workerData: object }), { message });
      object.close();
    });
  }
});
