/**
 * The types that all implementations of a primitive share, in shared memory and at a server.
 */

import type { DeadlockPolicy, WaitOptions } from './deadline.ts';

/** A value, or a promise of it. `await` works for both. */
export type Awaitable<Value> = Value | Promise<Value>;

/**
 * The result of `acquire`, in shared memory and in the cluster: the right to use the lock or
 * permit, until `release()`. In shared memory a release is immediate; on a server it takes a round
 * trip.
 */
export interface AsyncHold {
  /** Releases the lock or permit. Idempotent: only the first call does anything. */
  release(): Awaitable<void>;
  /**
   * `true` if the last holder died while it held the lock: the data that the lock guards may be
   * half-written.
   */
  readonly recovered: boolean;
  /**
   * A number that grows from one holding of the object to the next. A resource that remembers the
   * largest token and refuses smaller ones is safe from a holder that was suspended and came back.
   * Read it while you hold: in shared memory a released hold throws `NotOwnerError`.
   */
  readonly token: number;
  /** Whether the hold is still valid: it was not released, and its lease has not ended. */
  readonly valid: boolean;
  /** Aborts when the hold is lost. In shared memory it never does. */
  readonly signal: AbortSignal;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The result of `acquire` in shared memory. */
export interface Hold extends AsyncHold {
  release(): void;
  [Symbol.dispose](): void;
}

/** Wait options with a timeout: the call may return without what it waited for. */
export interface TimedWaitOptions extends WaitOptions {
  timeout: number;
}

/** Wait options without a timeout: the call returns only with what it waited for. */
export interface UntimedWaitOptions extends WaitOptions {
  timeout?: undefined;
}

/** The holder of a lock. */
export interface Owner {
  pid: number;
  /** `worker_threads` id within its process; 0 for the main thread. */
  threadId: number;
  /** The process's or thread's name, e.g. `Process-2`. */
  name: string;
}

/** Options of the constructor of every shared object. */
export interface ObjectOptions {
  /** The name under which every program of the same user shares the object. */
  name?: string | undefined;
  /** The namespace in which the name is looked up; default `"default"`. */
  namespace?: string | undefined;
  /**
   * A text that stands for an unnamed object in messages, and in the output of the command
   * `lockstep`; at most 200 bytes. Unlike a name, it does not share the object. `LOCKSTEP_LABELS=1`
   * in the environment labels every object without a name with the place that made it, such as
   * `report.js:41`. Each label costs a small file in shared memory.
   */
  label?: string | undefined;
}

/** Options of a lock's constructor. */
export interface LockOptions extends ObjectOptions {
  /**
   * `'throw'` (the default): the call that completes a cycle of waits throws `DeadlockError`, even
   * if a timeout would dissolve the cycle. `'ignore'`: no deadlock that involves this lock is
   * reported. Meant for locks that one thread takes and another releases.
   */
  deadlock?: DeadlockPolicy | undefined;
  /**
   * Records the stack of each acquisition, and of the lock's making, for messages about deadlocks
   * and `lockstep why --stacks`. Slow. `LOCKSTEP_STACKS=1` does it for all locks.
   */
  stacks?: boolean | undefined;
}

/** The members of both Lock and RLock. */
export interface Lockable {
  acquire(options?: UntimedWaitOptions): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquireSync(options?: UntimedWaitOptions): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  tryAcquire(): Hold | null;
  release(): void;
  readonly locked: boolean;
  readonly owner: Owner | null;
}

/** The awaiting half of locks and semaphores. */
export interface AsyncAcquirable {
  acquire(options?: UntimedWaitOptions): Promise<AsyncHold>;
  acquire(options: WaitOptions): Promise<AsyncHold | null>;
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
}

/** The awaiting half of Lock and RLock. */
export interface AsyncLock extends AsyncAcquirable {
  tryAcquire(): Awaitable<AsyncHold | null>;
  release(): Awaitable<void>;
  readonly locked: Awaitable<boolean>;
}

/** The awaiting half of Semaphore and BoundedSemaphore. */
export interface AsyncSemaphore extends AsyncAcquirable {
  tryAcquire(): Awaitable<AsyncHold | null>;
  release(n?: number): Awaitable<void>;
  readonly value: Awaitable<number>;
}

/** The awaiting half of a side of RWLock. */
export interface AsyncRWLockSide extends AsyncAcquirable {
  tryAcquire(): Awaitable<AsyncHold | null>;
  release(): Awaitable<void>;
}

/** The awaiting half of RWLock. */
export interface AsyncRWLock {
  readonly read: AsyncRWLockSide;
  readonly write: AsyncRWLockSide;
}

/** The awaiting half of Condition. */
export interface AsyncCondition extends AsyncAcquirable {
  release(): Awaitable<void>;
  wait(options?: WaitOptions): Promise<boolean>;
  notify(n?: number): Awaitable<void>;
  notifyAll(): Awaitable<void>;
}

/** The awaiting half of Event. */
export interface AsyncEvent {
  isSet(): Awaitable<boolean>;
  set(): Awaitable<void>;
  clear(): Awaitable<void>;
  wait(options?: WaitOptions): Promise<boolean>;
}

/** The awaiting half of Barrier. */
export interface AsyncBarrier {
  wait(options?: WaitOptions): Promise<number>;
  abort(): Awaitable<void>;
  reset(): Awaitable<void>;
  readonly parties: Awaitable<number>;
  readonly nWaiting: Awaitable<number>;
  readonly broken: Awaitable<boolean>;
}

/** The awaiting half of Latch. */
export interface AsyncLatch {
  countDown(n?: number): Awaitable<number>;
  wait(options?: WaitOptions): Promise<boolean>;
  readonly count: Awaitable<number>;
}

/** The awaiting half of an integer Value. Each operation returns the previous value. */
export interface AsyncValue {
  readonly value: Awaitable<number>;
  add(operand: number): Awaitable<number>;
  sub(operand: number): Awaitable<number>;
  exchange(value: number): Awaitable<number>;
  compareExchange(expected: number, desired: number): Awaitable<number>;
}

/** The awaiting half of Queue. */
export interface AsyncQueue<Item> extends AsyncIterable<Item> {
  put(value: Item, options?: WaitOptions): Promise<void>;
  get(options?: WaitOptions): Promise<Item>;
  tryPut(value: Item): Awaitable<boolean>;
  tryGet(): Awaitable<Item | null>;
  readonly size: Awaitable<number>;
}

/** The awaiting half of JoinableQueue. */
export interface AsyncJoinableQueue<Item> extends AsyncQueue<Item> {
  taskDone(): Awaitable<void>;
  join(options?: WaitOptions): Promise<boolean>;
}
