/**
 * The calls that an actor can be asked to make: each operation in the actor's own style, blocking
 * or awaiting.
 */

import { isDeepStrictEqual } from 'node:util';
import {
  type AsyncBarrier,
  type AsyncCondition,
  type AsyncEvent,
  type AsyncHold,
  type AsyncLatch,
  type AsyncLock,
  type AsyncSemaphore,
  type Barrier,
  type BoundedSemaphore,
  type Condition,
  type Event,
  type Lock,
  Thread,
  type Value,
  type WaitOptions,
} from 'lockstep';
import * as actions from './actions.ts';
import type { Party, Style } from './backends/backend.ts';
import { messages } from './messages.ts';
import { nestedLocks } from './nested-locks.ts';
import { readersAndWriters } from './readers-and-writers.ts';
import { sharedData } from './shared-data.ts';
import { triesOnce } from './targets.ts';

/** The actor that carries an operation out. */
export interface Self {
  readonly style: Style;
  readonly party: Party;
  /** Holds that it has taken and not given back, by what it took, latest last. */
  readonly holds: Map<object, AsyncHold[]>;
}

/** The reported facts of a hold. */
export interface Got {
  recovered: boolean;
}

type Acquirable = AsyncLock | AsyncSemaphore | AsyncCondition;
export type Integer = Value<'i32'>;

const forThreads = new Int32Array(new SharedArrayBuffer(4));

export const operations = {
  ...messages,
  ...nestedLocks,
  ...readersAndWriters,
  ...sharedData,

  async acquire(self: Self, object: Acquirable, options?: WaitOptions): Promise<Got | null> {
    return keep(self, object, await acquireOf(self, object, options));
  },

  async tryAcquire(self: Self, object: AsyncLock | AsyncSemaphore): Promise<Got | null> {
    return keep(self, object, await object.tryAcquire());
  },

  /** `tryAcquire` with an argument that it does not take. */
  async tryAcquireWith(self: Self, object: AsyncLock, options: WaitOptions): Promise<Got | null> {
    return keep(self, object, await Reflect.apply(object.tryAcquire, object, [options]));
  },

  /** Whether the actor's holding tells that a holder has died inside. */
  async recovered({ party }: Self, object: AsyncLock | AsyncCondition): Promise<boolean> {
    return (await party.look(object)).recovered;
  },

  async release(_self: Self, object: Acquirable, count?: number): Promise<void> {
    if (count === undefined) await object.release();
    else await (object as AsyncSemaphore).release(count);
  },

  /** Releases by the latest hold, `times` times. */
  async releaseHold(self: Self, object: Acquirable, times = 1): Promise<void> {
    const hold = self.holds.get(object)?.pop();
    if (hold === undefined) throw new Error('the actor has no hold of it');
    for (let i = 0; i < times; i++) await hold.release();
  },

  async addOneByOne(self: Self, lock: AsyncLock, counter: Integer, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const hold = await acquireOf(self, lock);
      counter.value = counter.value + 1;
      await hold?.release();
    }
  },

  /** Adds one by one until `enough` is not 0, without a pause. */
  async addOneByOneUntil(self: Self, lock: AsyncLock, counter: Integer, enough: Integer): Promise<void> {
    while (enough.value === 0) {
      const hold = await acquireOf(self, lock);
      counter.value = counter.value + 1;
      await hold?.release();
    }
  },

  /** Passes through the scoped form; inside, counts itself in `inside` and, told so, throws. */
  async scoped(
    self: Self,
    object: Acquirable,
    form: 'using' | 'run',
    inside: Integer,
    outcome: 'returns' | 'throws',
  ): Promise<string> {
    const body = (): string => {
      inside.add(1);
      if (outcome === 'throws') throw new RangeError('thrown inside');
      return 'returned from inside';
    };
    if (form === 'run')
      return self.style === 'blocking' ? sync(object).runSync(body) : await object.run(async () => body());
    if (self.style === 'blocking') {
      using _hold = sync(object).acquireSync();
      return body();
    }
    await using _hold = await object.acquire();
    return body();
  },

  /** Two nested scopes, of which the inner one throws; tells the value seen inside both. */
  async nestedScopes(self: Self, semaphore: AsyncSemaphore): Promise<number> {
    let inside = Number.NaN;
    const bodySync = (): void => {
      inside = (semaphore as BoundedSemaphore).value;
      throw new RangeError('thrown inside');
    };
    const body = async (): Promise<void> => {
      inside = await semaphore.value;
      throw new RangeError('thrown inside');
    };
    const expected = (error: unknown): void => {
      if (!(error instanceof RangeError)) throw error;
    };
    if (self.style === 'blocking') {
      try {
        (semaphore as BoundedSemaphore).runSync(() => (semaphore as BoundedSemaphore).runSync(bodySync));
      } catch (error) {
        expected(error);
      }
    } else {
      await semaphore.run(() => semaphore.run(body)).catch(expected);
    }
    return inside;
  },

  async depth({ party }: Self, lock: AsyncLock): Promise<number> {
    return (await party.look(lock)).depth;
  },

  /** Whether another thread of the actor's own process gets the lock. */
  async acquiredByOwnThread(_self: Self, lock: AsyncLock): Promise<boolean> {
    const thread = new Thread({ target: triesOnce, args: [lock as Lock] });
    thread.start();
    await thread.join();
    return (await thread.result) === true;
  },

  async wait(
    self: Self,
    object: AsyncEvent | AsyncCondition | AsyncBarrier | AsyncLatch,
    options?: WaitOptions,
  ): Promise<boolean | number> {
    return self.style === 'blocking' ? (object as Event).waitSync(options) : await object.wait(options);
  },

  /**
   * Acquires, waits, and tells what `wait` gave and whether the lock was held again; then releases.
   */
  async acquireAndWait(
    self: Self,
    condition: AsyncCondition,
    options?: WaitOptions,
    order?: Integer,
  ): Promise<{ woken: boolean; held: boolean; rank: number }> {
    const hold = await acquireOf(self, condition);
    const woken =
      self.style === 'blocking' ? (condition as Condition).waitSync(options) : await condition.wait(options);
    const rank = order?.add(1) ?? -1;
    const held = await isOwnedBy(self, condition);
    await hold?.release();
    return { woken, held, rank };
  },

  /**
   * As `acquireAndWait`, for `waitFor`: until `state` reaches `wanted`. Counts the looks at it in
   * `evaluations`.
   */
  async acquireAndWaitFor(
    self: Self,
    condition: AsyncCondition,
    state: Integer,
    wanted: number,
    evaluations: Integer,
    options?: WaitOptions,
  ): Promise<{ result: boolean; held: boolean }> {
    const predicate = (): boolean => {
      evaluations.add(1);
      return state.value >= wanted;
    };
    const hold = await acquireOf(self, condition);
    const result =
      self.style === 'blocking'
        ? (condition as Condition).waitForSync(predicate, options)
        : await (condition as Condition).waitFor(predicate, options);
    const held = await isOwnedBy(self, condition);
    await hold?.release();
    return { result, held };
  },

  /** `waitFor` without the lock. */
  async waitForWithoutLock(self: Self, condition: AsyncCondition, value: boolean): Promise<boolean> {
    return self.style === 'blocking'
      ? (condition as Condition).waitForSync(() => value)
      : await (condition as Condition).waitFor(() => value);
  },

  /** Tells whether the lock is still held when the predicate's error comes out of `waitFor`. */
  async waitForThatThrows(
    self: Self,
    condition: AsyncCondition,
  ): Promise<{ message: string; held: boolean }> {
    const predicate = (): boolean => {
      throw new RangeError('thrown by the predicate');
    };
    const hold = await acquireOf(self, condition);
    try {
      if (self.style === 'blocking') (condition as Condition).waitForSync(predicate);
      else await (condition as Condition).waitFor(predicate);
      return { message: 'nothing was thrown', held: await isOwnedBy(self, condition) };
    } catch (error) {
      return { message: (error as Error).message, held: await isOwnedBy(self, condition) };
    } finally {
      await hold?.release();
    }
  },

  /**
   * Waits with a signal that aborts as soon as `go` is not 0; tells whether the lock was held when
   * it rejected.
   */
  async acquireAndWaitUntilAborted(
    self: Self,
    condition: AsyncCondition,
    go: Integer,
  ): Promise<{ message: string; held: boolean }> {
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (go.value !== 0) controller.abort(new Error('aborted by the test'));
    }, 1);
    const hold = await acquireOf(self, condition);
    try {
      await condition.wait({ signal: controller.signal });
      return { message: 'nothing was thrown', held: await isOwnedBy(self, condition) };
    } catch (error) {
      return { message: (error as Error).message, held: await isOwnedBy(self, condition) };
    } finally {
      clearInterval(timer);
      await hold?.release();
    }
  },

  async notify(_self: Self, condition: AsyncCondition, count?: number): Promise<void> {
    if (count === undefined) await condition.notify();
    else await condition.notify(count);
  },

  /** Acquires, notifies, releases. */
  async acquireAndNotify(self: Self, condition: AsyncCondition, count: number | 'all'): Promise<void> {
    const hold = await acquireOf(self, condition);
    if (count === 'all') await condition.notifyAll();
    else await condition.notify(count);
    await hold?.release();
  },

  async set(_self: Self, event: AsyncEvent): Promise<void> {
    await event.set();
  },

  async countDown(_self: Self, latch: AsyncLatch, n?: number): Promise<number> {
    return await (n === undefined ? latch.countDown() : latch.countDown(n));
  },

  async clear(_self: Self, event: AsyncEvent): Promise<void> {
    await event.clear();
  },

  async setAndClear(_self: Self, event: AsyncEvent): Promise<void> {
    const set = event.set();
    const cleared = event.clear();
    await Promise.all([set, cleared]);
  },

  async isSet(_self: Self, event: AsyncEvent): Promise<boolean> {
    return await event.isSet();
  },

  /** Waits for the event, which a signal handler of the actor's process sets. */
  async waitForSignalHandler(_self: Self, event: AsyncEvent): Promise<boolean> {
    process.once('SIGUSR2', () => void event.set());
    return await event.wait();
  },

  countRoundsIn(_self: Self, counter: Integer, runner: Integer): void {
    actions.countRoundsIn(counter, runner);
  },

  /** Passes the barrier; tells what `counter` was right after. */
  async passAndLook(
    self: Self,
    barrier: AsyncBarrier,
    counter: Integer,
  ): Promise<{ index: number; counted: number }> {
    const index = self.style === 'blocking' ? (barrier as Barrier).waitSync() : await barrier.wait();
    return { index, counted: counter.value };
  },

  async abort(_self: Self, barrier: AsyncBarrier): Promise<void> {
    await barrier.abort();
  },

  async reset(_self: Self, barrier: AsyncBarrier): Promise<void> {
    await barrier.reset();
  },

  /**
   * Passes the barrier `rounds` times as party `me`. Returns how often another party was not in the
   * same round (or already in the next one), and the sum of the indexes that it was given.
   */
  async rounds(
    self: Self,
    barrier: AsyncBarrier,
    arrived: Integer[],
    me: number,
    rounds: number,
  ): Promise<{ outOfStep: number; indexes: number }> {
    let outOfStep = 0;
    let indexes = 0;
    for (let round = 1; round <= rounds; round++) {
      (arrived[me] as Integer).value = round;
      indexes += self.style === 'blocking' ? (barrier as Barrier).waitSync() : await barrier.wait();
      for (const { value } of arrived) if (value !== round && value !== round + 1) outOfStep++;
    }
    return { outOfStep, indexes };
  },

  /** Keeps the actor's thread from doing anything until `gate` is not 0. */
  stall(_self: Self, gate: Integer): void {
    while (gate.value === 0) Atomics.wait(forThreads, 0, 0, 1);
  },

  /**
   * Releases `times` times as soon as `gate` is not 0; tells how often it was refused as too many.
   */
  async overRelease(_self: Self, semaphore: AsyncSemaphore, gate: Integer, times: number): Promise<number> {
    let refused = 0;
    while (gate.value === 0);
    for (let i = 0; i < times; i++) {
      try {
        await semaphore.release();
      } catch (error) {
        if (Reflect.get(error as Error, 'code') !== 'ERR_LOCKSTEP_OVER_RELEASE') throw error;
        refused++;
      }
    }
    return refused;
  },
};

async function acquireOf(self: Self, object: Acquirable, options?: WaitOptions): Promise<AsyncHold | null> {
  const { style } = self;
  if (style === 'blocking') return options ? sync(object).acquireSync(options) : sync(object).acquireSync();
  return options ? await object.acquire(options) : await object.acquire();
}

/** The object, of a backend whose actors may block. */
function sync(object: Acquirable): Lock {
  return object as Lock;
}

function keep(self: Self, object: Acquirable, hold: AsyncHold | null): Got | null {
  if (hold === null) return null;
  const holds = self.holds.get(object);
  if (holds === undefined) self.holds.set(object, [hold]);
  else holds.push(hold);
  return { recovered: hold.recovered };
}

async function isOwnedBy({ party }: Self, condition: AsyncCondition): Promise<boolean> {
  const { owner } = await party.look(condition);
  return isDeepStrictEqual(owner, party.identity);
}
