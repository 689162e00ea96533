/**
 * LockedPut: a wait for the lock to put, which puts in the moment in which it has the lock, and lets go at once. So no lock is held while
 * an awaiting call is on its way through its event loop.
 *
 * Race: the lock is given back inside `attempt`, while this wait's own entry is still filled. A release with WAITERS clears the mark and wakes the
 * oldest waiter, which may be this very wait: then nobody has those in mind who wait behind it, and they sleep without a mark. So it does what
 * a wait does that gives up: with its entry empty, it wakes the oldest where the lock is free, and sets WAITERS where it is not (`taken`).
 */

import type { Pressure } from '../../agents/wait.ts';
import { MOMENT } from '../../agents/wait.ts';
import { Deadline } from '../../deadline.ts';
import type { RawLock } from '../../sync/lock/raw-lock.ts';
import type { Taking } from '../../waiting/taking.ts';

/** Milliseconds that a call which shall not wait waits for another that is just putting. */
const PATIENCE = 100;

export class LockedPut<Outcome> implements Taking {
  readonly backsOff: number = MOMENT;
  private readonly lock: RawLock;
  private readonly put: () => Outcome;
  private done: { outcome: Outcome } | { error: unknown } | undefined;

  /** `put` is called with the lock and has to release it. */
  constructor(lock: RawLock, put: () => Outcome) {
    this.lock = lock;
    this.put = put;
  }

  tryTake(): boolean {
    return this.lock.tryTake() && this.act();
  }

  peek(): boolean {
    return this.lock.peek();
  }

  attempt(pressure: Pressure): boolean {
    return this.lock.attempt(pressure) && this.act();
  }

  abandon(): void {
    this.lock.abandon();
  }

  taken(): void {
    this.lock.abandon();
  }

  suspect(): number {
    return this.lock.suspect();
  }

  /** What `put` returned, once the lock was taken. Throws what it threw. */
  outcome(): Outcome {
    if (this.done === undefined) throw new Error('not put yet');
    if ('error' in this.done) throw this.done.error;
    return this.done.outcome;
  }

  private act(): true {
    try {
      this.done = { outcome: this.put() };
    } catch (error) {
      this.done = { error };
    }
    return true;
  }
}

/** Long enough for another to finish what it is just doing. */
export function patient(deadline: Deadline): Deadline {
  return deadline.remaining < PATIENCE
    ? Deadline.from({ timeout: PATIENCE, signal: deadline.signal })
    : deadline;
}
