/**
 * Condition: waiting for a change of the data that a lock guards.
 *
 * Words and algorithm: raw-condition.ts; which lock: guard.ts.
 */

import { inspect } from 'node:util';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import { countWaiting, wake } from '../../agents/waiters.ts';
import type { Hold, Lockable, ObjectOptions, Owner, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { InvalidTypeError } from '../../errors.ts';
import { damaged } from '../../memory/damage.ts';
import { AWAITING_BIT, BLOCKING_BIT } from '../../memory/layout.ts';
import type { Content } from '../../objects/content.ts';
import { openHandle } from '../../objects/handles.ts';
import { Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { block } from '../../waiting/blocking.ts';
import { spin } from '../../waiting/spinning.ts';
import { checkAnswer, checkFunction } from '../inside.ts';
import type { Guard, Guarded } from '../lock/guard.ts';
import { isGuard, NEEDS_GUARD, obtainWithLock, openGuard } from '../lock/guard.ts';
import type { LockBase } from '../lock/lock-base.ts';
import { grant, NotificationWait, OwnWaits, withdrawNotified } from './raw-condition.ts';

/** A condition has no content except its lock. */
const NOTHING: Content = { make() {}, check() {} };

/** The state of a condition, as `describe()` returns it. */
export interface ConditionDescription extends Description {
  /** Calls that wait for a notification, blocked and awaiting, in all processes. */
  waiting: number;
  lock: Description;
}

/**
 * Lets processes and threads wait for a change of the data that its lock guards. `wait` releases
 * the lock, waits for a notification, and takes the lock again before it returns. An RLock that was
 * taken several times is then held as many times as before.
 *
 * *If a waiter dies*, its wait ends; a notification that it had received but not used goes to the
 * next waiter. *If the holder of the lock dies*, the next holder sees `hold.recovered`, as with any
 * lock. A waiter that returns from its wait sees `condition.recovered`.
 *
 * @example
 * await condition.run(async () => {
 *   await condition.waitFor(() => count.value > 0);
 *   count.value--;
 * });
 */
export class Condition extends SharedObject implements Lockable {
  private readonly own: OwnWaits;
  private readonly guarding: Guard;
  private readonly guard: LockBase;

  /**
   * `lock`: a Lock or RLock; by default a new RLock. Throws `InvalidTypeError` for anything else.
   */
  constructor(lock?: Guard, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: Guard | Opened, options?: ObjectOptions) {
    const made =
      source instanceof Opened ? { opened: source, lock: undefined } : obtainCondition(source, options);
    super(CONDITION_KIND, made.opened);
    this.own = OwnWaits.of(this.cell);
    const lock = made.lock ?? openGuard(this.cell, this.title);
    if (lock === undefined) throw damaged(this.title, 'its cell names no lock, and always does');
    this.guarding = lock;
    this.guard = lock;
  }

  /**
   * Opens the condition that the handle stands for, with its lock. Throws `HandleError`,
   * `StaleHandleError`.
   */
  static open(handle: string): Condition {
    return new Condition(openHandle(CONDITION_KIND, handle));
  }

  /** The condition's lock. */
  get lock(): Guard {
    return this.guarding;
  }

  /** Whether any thread holds the lock. */
  get locked(): boolean {
    return this.lock.locked;
  }

  /** The lock's holder; `null` while it is free. */
  get owner(): Owner | null {
    return this.lock.owner;
  }

  /**
   * Whether a holder of the lock has died, before this thread took it or during its wait; see
   * `Lock.recovered`.
   */
  get recovered(): boolean {
    return this.lock.recovered;
  }

  /** Takes the lock; see `Lock.acquire`. */
  acquire(options?: UntimedWaitOptions): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquire(options?: WaitOptions): Promise<Hold | null> {
    if (this.closed) return Promise.reject(this.closedError());
    return options === undefined ? this.guard.acquire() : this.guard.acquire(options);
  }

  /** Takes the lock. *Blocks*; see `Lock.acquireSync`. */
  acquireSync(options?: UntimedWaitOptions): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  acquireSync(options?: WaitOptions): Hold | null {
    this.checkOpen();
    return options === undefined ? this.guard.acquireSync() : this.guard.acquireSync(options);
  }

  /** Takes the lock if it is free. */
  tryAcquire(): Hold | null {
    this.checkOpen();
    return this.guard.tryAcquire();
  }

  /** Releases the lock. */
  release(): void {
    this.checkOpen();
    this.guard.release();
  }

  /** Runs `fn` inside the lock. */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result | null> {
    if (this.closed) return Promise.reject(this.closedError());
    return this.guard.run(fn, options ?? {});
  }

  /** Runs `fn` inside the lock. *Blocks*; `fn` must not return a promise. */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
  runSync<Result>(fn: () => Result, options?: WaitOptions): Result | null {
    this.checkOpen();
    return this.guard.runSync(fn, options ?? {});
  }

  /**
   * Releases the lock, waits for a notification, and takes the lock again; the event loop keeps
   * running. Resolves to `true` after a notification, to `false` at the timeout. The timeout does
   * not limit the time for taking the lock again. If a holder has died during the wait, `recovered`
   * is `true` afterwards, until the lock is released.
   *
   * *Cancels* by `signal`: takes the lock again, and rejects with the signal's reason. Rejects with
   * `NotOwnerError` or `NotLockedError` if the caller does not hold the lock.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = this.begin(options);
    const { cell } = this;
    const wait = new NotificationWait(this.own);
    // Fill the wait entry before giving up the lock: no notification falls in between.
    const ticket = this.enter(AWAITING_BIT);
    const holding = this.guard.giveUp();
    let notified = false;
    try {
      notified = await cell.await(wait, ticket, deadline, this);
    } finally {
      // Take the lock back, also after a failure, and only then use up the notification.
      await this.guard.takeBack(holding);
      if (notified) wait.finish();
    }
    return notified;
  }

  /** As `wait`, but *blocks* the thread. */
  waitSync(options?: WaitOptions): boolean {
    const deadline = this.begin(options);
    const { cell } = this;
    const wait = new NotificationWait(this.own);
    // Fill the wait entry before giving up the lock: no notification falls in between.
    this.enter(BLOCKING_BIT);
    const holding = this.guard.giveUp();
    let notified = false;
    try {
      notified = (spin(cell, wait) && wait.attempt()) || block(cell, wait, deadline);
    } finally {
      cell.leave(BLOCKING_BIT);
      // Pass on a notification that came too late, then take the lock back.
      if (!notified) wait.abandon();
      this.guard.takeBackSync(holding);
      if (notified) wait.finish();
    }
    return notified;
  }

  /**
   * Waits until `predicate` returns something truthy. It is called immediately and after each
   * notification, with the lock held. Resolves to its last value, which is falsy only at the
   * timeout. If the predicate throws, the call rejects with that error, with the lock held.
   */
  async waitFor<Value>(predicate: () => Value, options?: WaitOptions): Promise<Value> {
    checkFunction(this.title, predicate);
    const deadline = Deadline.from(options);
    const ask = (): Value => checkAnswer(this.title, predicate());
    for (;;) {
      const value = ask();
      if (value || deadline.expired) return value;
      if (!(await this.wait(remaining(deadline)))) return ask();
    }
  }

  /** As `waitFor`, but *blocks* the thread. */
  waitForSync<Value>(predicate: () => Value, options?: WaitOptions): Value {
    checkFunction(this.title, predicate);
    const deadline = Deadline.from(options);
    const ask = (): Value => checkAnswer(this.title, predicate());
    for (;;) {
      const value = ask();
      if (value || deadline.expired) return value;
      if (!this.waitSync(remaining(deadline))) return ask();
    }
  }

  /**
   * Notifies the first `n` of the calls that wait at this moment; 0 or less notifies none. They go
   * on when the lock is released. Throws `NotOwnerError` or `NotLockedError` if the caller does not
   * hold the lock.
   */
  notify(n = 1): void {
    this.checkOpen();
    if (typeof n !== 'number' || Number.isNaN(n)) {
      throw new InvalidTypeError(`${this.title}: can't notify ${inspect(n)}; pass a number of waiters`);
    }
    this.guard.checkOwned(`${this.title}: can't notify`);
    const { agent } = this.cell;
    for (const waiter of grant(agent.namespace, this.cell, Math.floor(n)))
      wake(agent, waiter, this.cell.number);
  }

  /** Notifies all calls that wait at this moment. */
  notifyAll(): void {
    this.notify(Number.POSITIVE_INFINITY);
  }

  override describe(): ConditionDescription {
    return SharedObject.describe(this, () => ({
      kind: CONDITION_KIND.name,
      name: this.name ?? null,
      handle: this.handle,
      waiting: countWaiting(this.cell.agent.namespace, this.cell),
      lock: this.lock.describe(),
    }));
  }

  protected override summary(): string {
    const waiting = countWaiting(this.cell.agent.namespace, this.cell);
    return `on ${this.lock}${waiting === 0 ? '' : `, ${waiting} waiting`}`;
  }

  /** Fills the wait entry and counts the call in it; returns its ticket. */
  private enter(how: number): number {
    const { cell } = this;
    // Notifications that are not yet taken belong to earlier calls. None can be added while this
    // call has the lock.
    if (this.own.hasUnclaimed) cell.dispatch(false);
    const ticket = cell.drawTicket();
    cell.enter(how, ticket);
    try {
      this.own.join(this.title);
    } catch (error) {
      cell.leave(how);
      throw error;
    }
    return ticket;
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const deadline = Deadline.from(options);
    this.guard.checkOwned(`${this.title}: can't wait`);
    deadline.throwIfAborted();
    return deadline;
  }
}

function remaining(deadline: Deadline): WaitOptions {
  return { timeout: deadline.remaining, signal: deadline.signal };
}

function obtainCondition(lock: Guard | undefined, options: ObjectOptions | undefined): Guarded {
  if (lock === undefined || isGuard(lock))
    return obtainWithLock(CONDITION_KIND, options, lock ?? true, NOTHING);
  throw new InvalidTypeError(
    `Condition: refused, its lock is ${inspect(lock)}; pass a Lock or an RLock, or nothing`,
  );
}

export const CONDITION_KIND: Kind = defineKind({
  number: 7,
  name: 'Condition',
  lasting: true,
  needs: NEEDS_GUARD,
  withdraw: withdrawNotified,
  open: Condition.open,
});
