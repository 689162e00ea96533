/**
 * What an actor can be told to do: each operation in the actor's own style, blocking or awaiting.
 */

import {
  type Barrier,
  type BoundedSemaphore,
  type Condition,
  type Event,
  type Hold,
  type Latch,
  type Lock,
  type RLock,
  type Semaphore,
  Thread,
  type Value,
  type WaitOptions,
} from 'lockstep';
import * as actions from './actions.ts';
import { messages } from './messages.ts';
import { nestedLocks } from './nested-locks.ts';
import { readersAndWriters } from './readers-and-writers.ts';
import { sharedData } from './shared-data.ts';
import { triesOnce } from './targets.ts';

export type Style = 'blocking' | 'awaiting';

/** The actor that carries an operation out. */
export interface Self {
  readonly style: Style;
  /** Holds that it has taken and not given back, by handle, latest last. */
  readonly holds: Map<string, Hold[]>;
}

/** What is told of a hold. */
export interface Got {
  recovered: boolean;
}

type Acquirable = Lock | RLock | Semaphore | BoundedSemaphore | Condition;
type Mutex = Lock | RLock;
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

  tryAcquire(self: Self, object: Acquirable): Got | null {
    return keep(self, object, object.tryAcquire());
  },

  /** `tryAcquire` with an argument that it does not take. */
  tryAcquireWith(self: Self, object: Acquirable, options: WaitOptions): Got | null {
    return keep(self, object, Reflect.apply(object.tryAcquire, object, [options]));
  },

  /** Whether the actor's holding tells that a holder has died inside. */
  recovered(_self: Self, object: Lock | RLock | Condition): boolean {
    return object.recovered;
  },

  release(_self: Self, object: Acquirable, count?: number): void {
    if (count === undefined) object.release();
    else (object as Semaphore).release(count);
  },

  /** Releases by the latest hold, as often as told. */
  releaseHold(self: Self, object: Acquirable, times = 1): void {
    const hold = self.holds.get(object.handle)?.pop();
    if (hold === undefined) throw new Error('the actor has no hold of it');
    for (let i = 0; i < times; i++) hold.release();
  },

  async addOneByOne(self: Self, lock: Mutex, counter: Integer, times: number): Promise<void> {
    for (let i = 0; i < times; i++) {
      const hold = await acquireOf(self, lock);
      counter.value = counter.value + 1;
      hold?.release();
    }
  },

  /** Adds one by one until `enough` is not 0, without a pause. */
  async addOneByOneUntil(self: Self, lock: Mutex, counter: Integer, enough: Integer): Promise<void> {
    while (enough.value === 0) {
      const hold = await acquireOf(self, lock);
      counter.value = counter.value + 1;
      hold?.release();
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
      return self.style === 'blocking' ? object.runSync(body) : await object.run(async () => body());
    if (self.style === 'blocking') {
      using _hold = object.acquireSync();
      return body();
    }
    await using _hold = await object.acquire();
    return body();
  },

  /** Two nested scopes, of which the inner one throws; tells the value seen inside both. */
  async nestedScopes(self: Self, semaphore: Semaphore | BoundedSemaphore): Promise<number> {
    let inside = Number.NaN;
    const body = (): void => {
      inside = semaphore.value;
      throw new RangeError('thrown inside');
    };
    const expected = (error: unknown): void => {
      if (!(error instanceof RangeError)) throw error;
    };
    if (self.style === 'blocking') {
      try {
        semaphore.runSync(() => semaphore.runSync(body));
      } catch (error) {
        expected(error);
      }
    } else {
      await semaphore.run(() => semaphore.run(async () => body())).catch(expected);
    }
    return inside;
  },

  depth(_self: Self, lock: RLock): number {
    return lock.depth;
  },

  /** Whether another thread of the actor's own process gets the lock. */
  async acquiredByOwnThread(_self: Self, lock: Mutex): Promise<boolean> {
    const thread = new Thread({ target: triesOnce, args: [lock] });
    thread.start();
    await thread.join();
    return (await thread.result) === true;
  },

  async wait(
    self: Self,
    object: Event | Condition | Barrier | Latch,
    options?: WaitOptions,
  ): Promise<boolean | number> {
    return self.style === 'blocking' ? object.waitSync(options) : await object.wait(options);
  },

  /**
   * Acquires, waits, and tells what `wait` gave and whether the lock was held again; then releases.
   */
  async acquireAndWait(
    self: Self,
    condition: Condition,
    options?: WaitOptions,
    order?: Integer,
  ): Promise<{ woken: boolean; held: boolean; rank: number }> {
    const hold = await acquireOf(self, condition);
    const woken = self.style === 'blocking' ? condition.waitSync(options) : await condition.wait(options);
    const rank = order?.add(1) ?? -1;
    const held = condition.lock.locked && ownedByMe(condition);
    hold?.release();
    return { woken, held, rank };
  },

  /**
   * As `acquireAndWait`, for `waitFor`: until `state` reaches `wanted`. Counts the looks at it in
   * `evaluations`.
   */
  async acquireAndWaitFor(
    self: Self,
    condition: Condition,
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
        ? condition.waitForSync(predicate, options)
        : await condition.waitFor(predicate, options);
    const held = ownedByMe(condition);
    hold?.release();
    return { result, held };
  },

  /** `waitFor` without the lock. */
  async waitForWithoutLock(self: Self, condition: Condition, value: boolean): Promise<boolean> {
    return self.style === 'blocking'
      ? condition.waitForSync(() => value)
      : await condition.waitFor(() => value);
  },

  /** Tells whether the lock is still held when the predicate's error comes out of `waitFor`. */
  async waitForThatThrows(self: Self, condition: Condition): Promise<{ message: string; held: boolean }> {
    const predicate = (): boolean => {
      throw new RangeError('thrown by the predicate');
    };
    const hold = await acquireOf(self, condition);
    try {
      if (self.style === 'blocking') condition.waitForSync(predicate);
      else await condition.waitFor(predicate);
      return { message: 'nothing was thrown', held: ownedByMe(condition) };
    } catch (error) {
      return { message: (error as Error).message, held: ownedByMe(condition) };
    } finally {
      hold?.release();
    }
  },

  /**
   * Waits with a signal that aborts as soon as `go` is not 0; tells whether the lock was held when
   * it rejected.
   */
  async acquireAndWaitUntilAborted(
    self: Self,
    condition: Condition,
    go: Integer,
  ): Promise<{ message: string; held: boolean }> {
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (go.value !== 0) controller.abort(new Error('aborted by the test'));
    }, 1);
    const hold = await acquireOf(self, condition);
    try {
      await condition.wait({ signal: controller.signal });
      return { message: 'nothing was thrown', held: ownedByMe(condition) };
    } catch (error) {
      return { message: (error as Error).message, held: ownedByMe(condition) };
    } finally {
      clearInterval(timer);
      hold?.release();
    }
  },

  notify(_self: Self, condition: Condition, count?: number): void {
    if (count === undefined) condition.notify();
    else condition.notify(count);
  },

  /** Acquires, notifies, releases. */
  async acquireAndNotify(self: Self, condition: Condition, count: number | 'all'): Promise<void> {
    const hold = await acquireOf(self, condition);
    if (count === 'all') condition.notifyAll();
    else condition.notify(count);
    hold?.release();
  },

  set(_self: Self, event: Event): void {
    event.set();
  },

  countDown(_self: Self, latch: Latch, n?: number): number {
    return n === undefined ? latch.countDown() : latch.countDown(n);
  },

  clear(_self: Self, event: Event): void {
    event.clear();
  },

  setAndClear(_self: Self, event: Event): void {
    event.set();
    event.clear();
  },

  isSet(_self: Self, event: Event): boolean {
    return event.isSet();
  },

  /** Waits for the event, which a signal handler of the actor's process sets. */
  async waitForSignalHandler(_self: Self, event: Event): Promise<boolean> {
    process.once('SIGUSR2', () => event.set());
    return await event.wait();
  },

  countRoundsIn(_self: Self, counter: Integer, runner: Integer): void {
    actions.countRoundsIn(counter, runner);
  },

  /** Passes the barrier; tells what `counter` was right after. */
  async passAndLook(
    self: Self,
    barrier: Barrier,
    counter: Integer,
  ): Promise<{ index: number; counted: number }> {
    const index = self.style === 'blocking' ? barrier.waitSync() : await barrier.wait();
    return { index, counted: counter.value };
  },

  abort(_self: Self, barrier: Barrier): void {
    barrier.abort();
  },

  reset(_self: Self, barrier: Barrier): void {
    barrier.reset();
  },

  /**
   * Passes the barrier `rounds` times as party `me`; tells how often another party was not in the
   * same round (or already in the next one), and the sum of the indexes that it was given.
   */
  async rounds(
    self: Self,
    barrier: Barrier,
    arrived: Integer[],
    me: number,
    rounds: number,
  ): Promise<{ outOfStep: number; indexes: number }> {
    let outOfStep = 0;
    let indexes = 0;
    for (let round = 1; round <= rounds; round++) {
      (arrived[me] as Integer).value = round;
      indexes += self.style === 'blocking' ? barrier.waitSync() : await barrier.wait();
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
  overRelease(_self: Self, semaphore: BoundedSemaphore, gate: Integer, times: number): number {
    let refused = 0;
    while (gate.value === 0);
    for (let i = 0; i < times; i++) {
      try {
        semaphore.release();
      } catch (error) {
        if (Reflect.get(error as Error, 'code') !== 'ERR_LOCKSTEP_OVER_RELEASE') throw error;
        refused++;
      }
    }
    return refused;
  },
};

async function acquireOf(self: Self, object: Acquirable, options?: WaitOptions): Promise<Hold | null> {
  if (self.style === 'blocking') return options ? object.acquireSync(options) : object.acquireSync();
  return options ? await object.acquire(options) : await object.acquire();
}

function keep(self: Self, object: Acquirable, hold: Hold | null): Got | null {
  if (hold === null) return null;
  const holds = self.holds.get(object.handle);
  if (holds === undefined) self.holds.set(object.handle, [hold]);
  else holds.push(hold);
  return { recovered: hold.recovered };
}

function ownedByMe(condition: Condition): boolean {
  return condition.lock.owner?.pid === process.pid;
}
