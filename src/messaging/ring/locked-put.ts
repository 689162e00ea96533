/**
 * LockedPut: a wait for the lock to put, which puts in the moment in which it has the lock, and
 * lets go at once. So no lock is held while an awaiting call is on its way through its event loop.
 *
 * Race: the lock is given back inside `attempt`, while this wait's own entry is still filled. A
 * release with WAITERS clears the mark and wakes the oldest waiter, which may be this very wait.
 * Then no wake-up is pending for the waiters behind it, and they sleep without a mark. So it acts
 * as a wait that gives up. With its entry empty, it wakes the oldest where the lock is free, and
 * sets WAITERS where it is not (`taken`).
 *
 * The wait has no timeout of its caller's, as the lock is held for moments only. So a damaged word
 * that says that somebody has it must not make it last. Nobody: the reaper frees it. Another that
 * lives: it may have been stopped in the middle of its put; if it was not, and nothing is put
 * meanwhile, the wait is refused after a while.
 */

import { now } from '#park';
import type { Pressure } from '../../agents/wait.ts';
import { MOMENT } from '../../agents/wait.ts';
import { Deadline } from '../../deadline.ts';
import { LayoutError } from '../../errors.ts';
import { platform } from '../../platform/current.ts';
import type { RawLock } from '../../sync/lock/raw-lock.ts';
import type { Taking } from '../../waiting/taking.ts';

/** Milliseconds that a call which shall not wait waits for another that is just putting. */
const PATIENCE = 100;
/**
 * Milliseconds after which another agent has certainly finished its put, unless it was stopped.
 */
const LONGEST_PUT = 60_000;
/** The same where this thread is said to put, which waits meanwhile. */
const LONGEST_OWN_PUT = 1000;

/** The target of the put, as far as the wait has to know it. */
export interface PutInto {
  /** How messages about it begin. */
  readonly title: string;
  readonly ring: { readonly puts: number };
}

export class LockedPut<Outcome> implements Taking {
  readonly backsOff: number = MOMENT;
  private readonly lock: RawLock;
  private readonly put: () => Outcome;
  private readonly into: PutInto;
  /** Since when the lock has been with the same agent, and nothing was put. */
  private stuck = { owner: 0, puts: 0, since: 0 };
  private done: { outcome: Outcome } | { error: unknown } | undefined;

  /** `put` is called with the lock and has to release it. */
  constructor(lock: RawLock, into: PutInto, put: () => Outcome) {
    this.lock = lock;
    this.into = into;
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

  check(): LayoutError | undefined {
    const owner = this.lock.suspect();
    if (owner === 0) return undefined;
    const { puts } = this.into.ring;
    const { stuck } = this;
    // The lock moves on: start the clock again.
    if (owner !== stuck.owner || puts !== stuck.puts) {
      this.stuck = { owner, puts, since: now() };
      return undefined;
    }
    // Suspect damage only after the longest possible put.
    const longest = owner === this.lock.me ? LONGEST_OWN_PUT : LONGEST_PUT;
    if (now() - stuck.since <= longest) return undefined;
    const { pid, name } = this.lock.cell.agent.namespace.identity(owner);
    // A stopped process keeps its lock rightly.
    if (owner !== this.lock.me && platform.isStopped(pid)) return undefined;
    return new LayoutError(
      `${this.into.title}: can't put or close, its lock to put has been with ${name} (pid ${pid}) for ${longest} ms, longer than any put takes; ` +
        'end that program if it hangs, otherwise the memory was damaged: make the queue or pipe again',
    );
  }

  /** The result of `put`, once the lock was taken. Throws what `put` threw. */
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
