/** Objects used after they were closed. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, Semaphore } from 'lockstep';
import { HANG_MS, untilWaiting } from '../support/until.ts';
import { type KindMade, MAKERS, type Maker } from './makers.ts';

const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED' };

const LOCKING = ['acquire', 'acquireSync', 'tryAcquire', 'release', 'run', 'runSync'];
const WAITING = ['wait', 'waitSync'];
/** The calls and properties that each kind refuses, beside its handle. */
const REFUSED: Record<KindMade, { methods: string[]; getters: string[] }> = {
  Barrier: { methods: [...WAITING, 'reset', 'abort'], getters: ['parties', 'nWaiting', 'broken'] },
  BoundedSemaphore: { methods: LOCKING, getters: ['value'] },
  Condition: {
    methods: [...LOCKING, ...WAITING, 'waitFor', 'waitForSync', 'notify', 'notifyAll'],
    getters: [],
  },
  Event: { methods: [...WAITING, 'set', 'clear', 'isSet'], getters: [] },
  Latch: { methods: [...WAITING, 'countDown'], getters: ['count'] },
  Lock: { methods: LOCKING, getters: ['locked', 'owner', 'recovered'] },
  RawArray: { methods: ['at', 'set'], getters: ['view', 'value', 'raw'] },
  RawValue: { methods: [], getters: ['value'] },
  Record: { methods: ['assign', 'toObject'], getters: ['x', 'tags'] },
  RecordArray: { methods: ['at', 'set', 'toArray'], getters: ['length'] },
  RLock: { methods: LOCKING, getters: ['locked', 'owner', 'recovered', 'depth'] },
  RWLock: { methods: [], getters: [] },
  Semaphore: { methods: LOCKING, getters: ['value'] },
  ShareableList: { methods: ['at', 'set', 'indexOf'], getters: ['length'] },
  SharedArray: {
    methods: ['at', 'set', 'fill', 'toArray'],
    getters: ['view', 'length', 'value', 'raw'],
  },
  SharedMemory: { methods: [], getters: ['buffer', 'size'] },
  Value: { methods: [], getters: ['value'] },
};

for (const [kind, { methods, getters }] of Object.entries(REFUSED)) {
  describe(`a closed ${kind}`, { timeout: HANG_MS }, () => {
    const make: Maker = MAKERS[kind as KindMade];
    const object = make();
    object.close();

    for (const method of methods) {
      it(`refuses ${method}`, async () => {
        const args = /^(run|waitFor)/.test(method) ? [() => {}] : [];
        await assert.rejects(async () => Reflect.apply(Reflect.get(object, method), object, args), CLOSED);
      });
    }
    for (const getter of ['handle', ...getters]) {
      it(`refuses to tell its ${getter}`, () => {
        assert.throws(() => Reflect.get(object, getter, object), CLOSED);
      });
    }
    it('may be closed again, and still shows what it was', () => {
      object.close();
      assert.match(inspect(object), new RegExp(`^<${kind}.* closed>$`));
      const shown = JSON.parse(JSON.stringify(object)) as { kind: string; closed: boolean };
      assert.deepEqual([shown.kind, shown.closed], [kind, true]);
      const told = object.describe();
      assert.deepEqual([told.kind, told.closed], [kind, true]);
    });
  });
}

/** The object as one that is waited for by `wait`. */
function waitedFor(
  object: Lock | Semaphore | BoundedSemaphore,
  wait: () => Promise<unknown>,
): { close(): void; describe(): object; wait(): Promise<unknown> } {
  return { close: () => object.close(), describe: () => object.describe(), wait };
}

describe('closing', { timeout: HANG_MS }, () => {
  const waits: Record<string, () => { close(): void; describe(): object; wait(): Promise<unknown> }> = {
    Lock: () => {
      const lock = new Lock();
      lock.acquireSync();
      return waitedFor(lock, () => lock.acquire());
    },
    Semaphore: () => {
      const semaphore = new Semaphore(0);
      return waitedFor(semaphore, () => semaphore.acquire());
    },
    BoundedSemaphore: () => {
      const semaphore = new BoundedSemaphore(0);
      return waitedFor(semaphore, () => semaphore.acquire());
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

it('in an exit listener that was registered after the first object: the error says so', () => {
  const program = `
    import { Lock } from ${JSON.stringify(import.meta.resolve('lockstep'))};
    const lock = new Lock();
    process.on('exit', () => { try { lock.acquireSync(); } catch (error) { console.log(error.code, error.message); } });
  `;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.match(
    stdout,
    /^ERR_LOCKSTEP_CLOSED Lock: refused, this thread ends and has left; register the exit listener before the first/,
  );
});
