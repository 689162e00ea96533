/** Objects used after they were closed. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RawArray,
  RawValue,
  RLock,
  Semaphore,
  ShareableList,
  SharedArray,
  SharedMemory,
  struct,
  Value,
} from 'lockstep';
import { untilWaiting } from '../support/until.ts';

const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED' };

const Point = struct({ x: 'f64', tags: 'u8[2]' });
const LOCKING = ['acquire', 'acquireSync', 'tryAcquire', 'release'];
const OBJECTS: Record<string, { make: () => { close(): void }; methods: string[]; getters: string[] }> = {
  Lock: { make: () => new Lock(), methods: LOCKING, getters: ['locked', 'owner', 'recovered', 'handle'] },
  RLock: {
    make: () => new RLock(),
    methods: LOCKING,
    getters: ['locked', 'owner', 'recovered', 'depth', 'handle'],
  },
  Semaphore: { make: () => new Semaphore(1), methods: LOCKING, getters: ['value', 'handle'] },
  BoundedSemaphore: { make: () => new BoundedSemaphore(1), methods: LOCKING, getters: ['value', 'handle'] },
  Condition: {
    make: () => new Condition(),
    methods: [...LOCKING, 'wait', 'waitSync', 'notify', 'notifyAll'],
    getters: ['handle'],
  },
  Event: {
    make: () => new Event(),
    methods: ['wait', 'waitSync', 'set', 'clear', 'isSet'],
    getters: ['handle'],
  },
  Barrier: {
    make: () => new Barrier(2),
    methods: ['wait', 'waitSync', 'reset', 'abort'],
    getters: ['nWaiting', 'broken', 'handle'],
  },
  Value: { make: () => new Value('i32', 1), methods: [], getters: ['value', 'handle'] },
  RawValue: { make: () => new RawValue('i32', 1), methods: [], getters: ['value', 'handle'] },
  SharedArray: {
    make: () => new SharedArray('i32', 2),
    methods: ['at', 'set', 'fill', 'toArray', 'describe'],
    getters: ['view', 'length', 'value', 'raw', 'handle'],
  },
  RawArray: {
    make: () => new RawArray('char', 2),
    methods: ['at', 'set'],
    getters: ['view', 'value', 'raw'],
  },
  Record: {
    make: () => new Point(),
    methods: ['assign', 'toObject', 'describe'],
    getters: ['x', 'tags', 'handle'],
  },
  RecordArray: {
    make: () => Point.array(2),
    methods: ['at', 'set', 'toArray'],
    getters: ['length', 'handle'],
  },
  ShareableList: {
    make: () => new ShareableList([1]),
    methods: ['at', 'set', 'indexOf'],
    getters: ['length'],
  },
  SharedMemory: {
    make: () => new SharedMemory({ create: true, size: 1 }),
    methods: ['describe'],
    getters: ['buffer', 'size', 'handle'],
  },
};

for (const [kind, { make, methods, getters }] of Object.entries(OBJECTS)) {
  describe(`a closed ${kind}`, { timeout: 20_000 }, () => {
    const object = make();
    object.close();

    for (const method of methods) {
      it(`refuses ${method}`, async () => {
        await assert.rejects(async () => Reflect.apply(Reflect.get(object, method), object, []), CLOSED);
      });
    }
    for (const getter of getters) {
      it(`refuses to tell its ${getter}`, () => {
        assert.throws(() => Reflect.get(object, getter, object), CLOSED);
      });
    }
    it('may be closed again, and still shows what it was', () => {
      object.close();
      assert.match(inspect(object), new RegExp(`^<${kind}.* closed>$`));
    });
  });
}

describe('closing', { timeout: 20_000 }, () => {
  const waits: Record<string, () => { close(): void; describe(): object; wait(): Promise<unknown> }> = {
    Lock: () => {
      const lock = new Lock();
      lock.acquireSync();
      return Object.assign(lock, { wait: () => lock.acquire() });
    },
    Semaphore: () => {
      const semaphore = new Semaphore(0);
      return Object.assign(semaphore, { wait: () => semaphore.acquire() });
    },
    BoundedSemaphore: () => {
      const semaphore = new BoundedSemaphore(0);
      return Object.assign(semaphore, { wait: () => semaphore.acquire() });
    },
    Condition: () => {
      const condition = new Condition();
      condition.acquireSync();
      return condition;
    },
    Event: () => new Event(),
    Barrier: () => new Barrier(2),
  };
  for (const [kind, make] of Object.entries(waits)) {
    it(`a ${kind} rejects those who still await it`, async () => {
      const object = make();
      const wait = assert.rejects(object.wait(), CLOSED);
      await untilWaiting(object, 1);
      object.close();
      await wait;
    });
  }

  it('a lock that is held frees it for others', async () => {
    const lock = new Lock({ name: 'closed-while-held' });
    const other = new Lock({ name: 'closed-while-held' });
    lock.acquireSync();
    lock.close();
    assert.throws(() => lock.release(), CLOSED);
    other.close();
    const next = new Lock({ name: 'closed-while-held' });
    assert.notEqual(next.tryAcquire(), null);
    next.close();
  });
});
