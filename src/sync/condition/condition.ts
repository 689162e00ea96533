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
import { block, spin } from '../../waiting/blocking.ts';
import { checkAnswer, checkFunction } from '../inside.ts';
import type { Guard, Guarded } from '../lock/guard.ts';
import { isGuard, NEEDS_GUARD, obtainWithLock, openGuard } from '../lock/guard.ts';
import type { LockBase } from '../lock/lock-base.ts';
import { grant, NotificationWait, OwnWaits, withdrawNotified } from './raw-condition.ts';

/** A condition has no content except its lock. */
const NOTHING: Content = { make() {}, check() {} };

/** The state of a condition. */
export interface ConditionDescription extends Description {
  /** Calls that wait for a notification, blocked and awaiting, in all processes. */
  waiting: number;
  lock: Description;
}

/**
 * Lets processes and threads wait for a change of the data that its lock guards. `wait` gives the
 * lock up, waits for a notification, and comes back with the lock held as before, at the same
 * depth.
 *
 * *If a waiter dies* it is withdrawn; a notification that it had been given and not taken goes to
 * the next. *If the holder of the lock dies*, the next holder sees `hold.recovered`, as of any
 * lock. A waiter that comes back from its wait sees `recovered`.
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
   * `lock`: a Lock or RLock; by default an RLock of its own. Throws `InvalidTypeError` for anything
   * else.
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

  /** The lock that guards it. */
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
   * Whether a holder has died inside before this thread came in, or came back from its wait; see
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
   * Gives the lock up, waits for a notification, takes the lock again. Resolves to `true` when
   * notified, `false` when the timeout has passed; the timeout does not bound taking the lock
   * again. The event loop continues. If a holder has died inside meanwhile, `recovered` is `true`
   * afterwards, until the lock is released.
   *
   * *Cancels* by `signal`: rejects with its reason, with the lock held again. Rejects with
   * `NotOwnerError` (or `NotLockedError`) without the lock.
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

  /** As `wait`; *blocks* the thread. */
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
   * Waits until `predicate` returns a truthy value, checked again after each notification. Resolves
   * to its last value, which is falsy only if the timeout has passed. An error of the predicate
   * goes to the caller, with the lock held.
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

  /** As `waitFor`; *blocks* the thread. */
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
   * Notifies at most `n` of the present waiters, in order of arrival; 0 or less notifies none. They
   * continue when the lock is released. Throws `NotOwnerError` (or `NotLockedError`) without the
   * lock.
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

  /** Notifies all present waiters. */
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
