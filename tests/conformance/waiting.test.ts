/**
 * The common cases of every wait, whatever it waits for: timeouts, signals, and what is left when
 * it ends.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RLock,
  Semaphore,
  Thread,
  Value,
  type WaitOptions,
} from 'lockstep';
import { holdsUntil } from '../support/targets.ts';
import { HANG_MS, untilWaiting, waiting } from '../support/until.ts';

/** A wait that finds nothing to come back with, until `let go`. */
interface Wait {
  object: { describe(): object };
  wait(options?: WaitOptions): Promise<unknown>;
  waitSync(options?: WaitOptions): unknown;
  /** The outcome of a wait whose time has passed: a value, or an error's code. */
  timedOut: null | false | string;
  letGo(): void;
  close(): void | Promise<void>;
}

const WAITS: Record<string, () => Wait> = {
  'Lock.acquire': () => {
    // The same thread holds it, so without this option it would get a DeadlockError.
    const lock = new Lock({ deadlock: 'ignore' });
    const hold = lock.acquireSync();
    return acquiring(lock, () => hold.release());
  },
  'RLock.acquire': () => {
    const lock = new RLock();
    const gate = new Value('i32', 0);
    const holder = new Thread({ target: holdsUntil, args: [lock, gate], daemon: true });
    holder.start();
    while (!lock.locked);
    const letGo = (): void => {
      gate.value = 1;
    };
    const close = async (): Promise<void> => {
      letGo();
      await holder.join();
      lock.close();
      gate.close();
    };
    return { ...acquiring(lock, letGo), close };
  },
  'Semaphore.acquire': () => {
    const semaphore = new Semaphore(0);
    return acquiring(semaphore, () => semaphore.release());
  },
  'BoundedSemaphore.acquire': () => {
    const semaphore = new BoundedSemaphore(1);
    const hold = semaphore.acquireSync();
    return acquiring(semaphore, () => hold.release());
  },
  'Condition.wait': () => {
    const condition = new Condition();
    condition.acquireSync();
    return {
      object: condition,
      wait: (options) => condition.wait(options),
      waitSync: (options) => condition.waitSync(options),
      timedOut: false,
      letGo: () => condition.runSync(() => condition.notify()),
      close: () => condition.close(),
    };
  },
  'Condition.waitFor': () => {
    const condition = new Condition();
    let done = false;
    condition.acquireSync();
    return {
      object: condition,
      wait: (options) => condition.waitFor(() => done, options),
      waitSync: (options) => condition.waitForSync(() => done, options),
      timedOut: false,
      letGo: () => {
        done = true;
        condition.runSync(() => condition.notify());
      },
      close: () => condition.close(),
    };
  },
  'Event.wait': () => {
    const event = new Event();
    return {
      object: event,
      wait: (options) => event.wait(options),
      waitSync: (options) => event.waitSync(options),
      timedOut: false,
      letGo: () => event.set(),
      close: () => event.close(),
    };
  },
  'Barrier.wait': () => {
    const barrier = new Barrier(2);
    return {
      object: barrier,
      wait: (options) => barrier.wait(options),
      waitSync: (options) => barrier.waitSync(options),
      timedOut: 'ERR_LOCKSTEP_BROKEN_BARRIER',
      letGo: () => void barrier.waitSync(),
      close: () => barrier.close(),
    };
  },
};

function acquiring(object: Lock | RLock | Semaphore | BoundedSemaphore, letGo: () => void): Wait {
  return {
    object,
    wait: (options) => (options ? object.acquire(options) : object.acquire()),
    waitSync: (options) => (options ? object.acquireSync(options) : object.acquireSync()),
    timedOut: null,
    letGo,
    close: () => object.close(),
  };
}

/** The outcome of a call: its value, or the error it threw or rejected with. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return await call();
  } catch (error) {
    return error;
  }
}

function assertTimedOut(outcome: unknown, { timedOut }: Wait): void {
  if (typeof timedOut === 'string') assert.equal(Reflect.get(outcome as Error, 'code'), timedOut);
  else assert.equal(outcome, timedOut);
}

function assertPassed(outcome: unknown, { timedOut }: Wait): void {
  assert.ok(!(outcome instanceof Error), String(outcome));
  assert.notEqual(outcome, timedOut);
}

const wrong = (value: unknown): WaitOptions => value as WaitOptions;

for (const [name, make] of Object.entries(WAITS)) {
  const test = (sentence: string, body: (wait: Wait) => Promise<void>): void => {
    it(sentence, { timeout: HANG_MS }, async () => {
      const wait = make();
      try {
        await body(wait);
        assert.equal(waiting(wait.object), 0);
      } finally {
        await wait.close();
      }
    });
  };

  describe(name, () => {
    for (const form of ['wait', 'waitSync'] as const) {
      test(`${form}: a timeout that is not a number is a TypeError`, async (wait) => {
        for (const timeout of [Number.NaN, '5', null, {}, Object.create(null), true, 5n]) {
          const error = await outcomeOf(() => wait[form](wrong({ timeout })));
          assert.ok(error instanceof TypeError, `${inspect(timeout)}: ${String(error)}`);
          assert.equal(Reflect.get(error, 'code'), 'ERR_LOCKSTEP_INVALID_TYPE');
        }
      });

      test(`${form}: options that are no object, and a signal that is none, are a TypeError`, async (wait) => {
        for (const options of [5, 'soon', true, { signal: {} }, { signal: new AbortController() }]) {
          const error = await outcomeOf(() => wait[form](wrong(options)));
          assert.ok(error instanceof TypeError, `${JSON.stringify(options)}: ${String(error)}`);
          assert.equal(Reflect.get(error, 'code'), 'ERR_LOCKSTEP_INVALID_TYPE');
        }
      });

      test(`${form}: a signal that is aborted already gives its very reason`, async (wait) => {
        const reason = new Error('no more');
        const signal = AbortSignal.abort(reason);
        assert.equal(await outcomeOf(() => wait[form]({ signal })), reason);
        assert.equal(await outcomeOf(() => wait[form]({ signal, timeout: 5 })), reason);
        assert.deepEqual(getEventListeners(signal, 'abort'), []);
      });

      test(`${form}: comes to its end when the time has passed, and leaves nothing on the signal`, async (wait) => {
        const { signal } = new AbortController();
        const start = performance.now();
        assertTimedOut(await outcomeOf(() => wait[form]({ timeout: 30, signal })), wait);
        assert.ok(performance.now() - start >= 30);
        assert.deepEqual(getEventListeners(signal, 'abort'), []);
      });

      test(`${form}: a timeout of 0 or less tries once`, async (wait) => {
        for (const timeout of [0, -0, -1, Number.NEGATIVE_INFINITY]) {
          assertTimedOut(await outcomeOf(() => wait[form]({ timeout })), wait);
        }
      });
    }

    test('an abort while waiting gives the very reason, and leaves no trace', async (wait) => {
      const controller = new AbortController();
      const { signal } = controller;
      const outcome = outcomeOf(() => wait.wait({ signal, timeout: 60_000 }));
      await untilWaiting(wait.object, 1);
      const reason = new Error('enough');
      controller.abort(reason);
      assert.equal(await outcome, reason);
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
    });

    test('a wait that got what it waited for leaves nothing on its signal', async (wait) => {
      const controller = new AbortController();
      const { signal } = controller;
      const outcome = outcomeOf(() => wait.wait({ signal }));
      await untilWaiting(wait.object, 1);
      assert.equal(getEventListeners(signal, 'abort').length, 1);
      wait.letGo();
      assertPassed(await outcome, wait);
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
      controller.abort();
    });

    // The timers of Node turn a longer time than 2^31 - 1 ms into 1 ms.
    for (const timeout of [Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 53, Number.MAX_VALUE]) {
      test(`a timeout of ${timeout} ms does not pass at once`, async (wait) => {
        const outcome = outcomeOf(() => wait.wait({ timeout }));
        await untilWaiting(wait.object, 1);
        await sleep(20);
        assert.equal(waiting(wait.object), 1);
        wait.letGo();
        assertPassed(await outcome, wait);
      });
    }
  });
}
