/**
 * The types that every implementation of a primitive shares, whatever carries it: shared memory
 * here, a server later.
 */

import type { DeadlockPolicy, WaitOptions } from './deadline.ts';

/** What `acquire` gives: the right to be inside, until `release()`. */
export interface Hold {
  /** Gives the hold back. Idempotent: only the first call does anything. */
  release(): void;
  /** `true` when the previous holder died inside: what the lock guards may be half-written. */
  readonly recovered: boolean;
  [Symbol.dispose](): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Wait options in which a timeout is given: the call may come back with nothing. */
export interface TimedWaitOptions extends WaitOptions {
  timeout: number;
}

/** Wait options without a timeout: the call comes back only with what it waited for. */
export interface UntimedWaitOptions extends WaitOptions {
  timeout?: undefined;
}

/** Who holds a lock. */
export interface Owner {
  pid: number;
  /** `worker_threads` id within its process; 0 for the main thread. */
  threadId: number;
  /** The process's or thread's name, e.g. `Process-2`. */
  name: string;
}

/** Options of every synchronization object's constructor. */
export interface ObjectOptions {
  /** Makes the object shared, under this name, by every program of the same user. */
  name?: string | undefined;
  /** Where the name is looked up; default `"default"`. */
  namespace?: string | undefined;
}

/** Options of a lock's constructor. */
export interface LockOptions extends ObjectOptions {
  /**
   * `'throw'` (the default): the call that closes a circle of waits throws `DeadlockError`, also
   * where a timeout would dissolve it. `'ignore'`: nobody is told of a deadlock in which this lock
   * has a part. Meant for locks that one agent takes and another releases.
   */
  deadlock?: DeadlockPolicy | undefined;
  /**
   * Notes the stack of each taking, for messages about deadlocks. Slow. `LOCKSTEP_TRACE=1` does it
   * for all locks.
   */
  trace?: boolean | undefined;
}

/** What both Lock and RLock can do. */
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
