/**
 * Condition: waiting for a change of what a lock guards.
 *
 *   word   name             bits       written by
 *   +1     TICKETS          counter    waiters
 *   +2     LOCK             cell       the creator
 *   +3     LOCK_GENERATION             the creator
 *   detail of the wait entry: 29…15 notified | 14…0 waiting flows, CAS by the waiting agent, notifiers and the reaper
 *
 * A notification is not a wake-up but a grant, counted in the entry of the agent it goes to: `notify` raises NOTIFIED by CAS
 * while it is below WAITING, so at most n of those that wait now are notified, and none that comes later. A flow that times out
 * withdraws by CAS; if a grant was faster, it takes that or hands it on. The grant is struck off only when the waiter has the
 * lock again: if it dies before, the reaper hands it on. The entry stays with this condition as long as the agent
 * has it open, so a late CAS can't meet another object's entry.
 *
 * Enqueueing and releasing are not one step and need not be: a notifier must hold the lock, which the waiter gives up only after
 * its entry is filled.
 *
 * Race: W1 times out, W2 waits, N notifies one. N raises NOTIFIED of W1's agent (N1); W1 withdraws: its CAS finds the raised count
 * (W1a) and hands the notification on to W2. Had W1a come first, N's CAS would have failed and N chosen W2 itself.
 */

import { inspect } from 'node:util';
import { cas, load, store } from '#atomics';
import { block, spin } from '../agents/blocking.ts';
import type { Cell, ObjectType } from '../agents/cell.ts';
import type { Content } from '../agents/content.ts';
import { registerKind } from '../agents/kinds.ts';
import type { Namespace } from '../agents/namespace.ts';
import type { Description } from '../agents/shared-object.ts';
import { Opened, openHandle, registerClass, SharedObject } from '../agents/shared-object.ts';
import type { Wait } from '../agents/wait.ts';
import type { Waiter } from '../agents/waiters.ts';
import { countWaiting, isBefore, waitersOf, wake } from '../agents/waiters.ts';
import type { Hold, Lockable, ObjectOptions, Owner, UntimedWaitOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { ExhaustedError, InvalidTypeError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_BLOCKED_ON,
  AWAITING_BIT,
  agentWord,
  BLOCKING_BIT,
  ENTRY_DETAIL,
  ENTRY_STATUS,
  ENTRY_TICKET,
  KIND,
} from '../memory/layout.ts';
import type { Guard, Guarded } from './guard.ts';
import { isGuard, obtainWithLock, openGuard } from './guard.ts';
import { checkFunction } from './inside.ts';
import type { MutualExclusion } from './mutual-exclusion.ts';

const TYPE: ObjectType = { kind: KIND.CONDITION, name: 'Condition', serial: false, lasting: true };

/** There is nothing in a condition but its lock. */
const NOTHING: Content = { make() {}, check() {} };

const NOTIFIED_SHIFT = 15;
const NOTIFIED_STEP: number = 1 << NOTIFIED_SHIFT;
const WAITING_MASK = 0x7fff;

function waitingIn(detail: number): number {
  return detail & WAITING_MASK;
}

function notifiedIn(detail: number): number {
  return detail >> NOTIFIED_SHIFT;
}

/** This agent's calls that wait for the condition. */
class OwnWaits {
  readonly cell: Cell;
  /** Notifications that a call has taken, and not yet struck off. */
  claimed = 0;

  private constructor(cell: Cell) {
    this.cell = cell;
  }

  static of(cell: Cell): OwnWaits {
    if (cell.extension instanceof OwnWaits) return cell.extension;
    const made = new OwnWaits(cell);
    cell.extension = made;
    return made;
  }

  get detail(): number {
    const entry = this.cell.waitEntry;
    return entry === undefined ? 0 : load(entry.words, entry.at + ENTRY_DETAIL);
  }

  get hasUnclaimed(): boolean {
    return notifiedIn(this.detail) > this.claimed;
  }

  /** Counts one more waiting call, whose entry is filled. Throws `ExhaustedError`. */
  join(title: string): void {
    if (waitingIn(this.detail) === WAITING_MASK) {
      throw new ExhaustedError(
        `${title}: can't wait, ${WAITING_MASK} calls of this thread wait for it already; wait in other threads or processes`,
      );
    }
    this.change((detail) => detail + 1);
  }

  /** Changes the counts; `next` may look at what they are. */
  change(next: (detail: number) => number): void {
    const entry = this.cell.waitEntry;
    if (entry === undefined) return;
    for (;;) {
      const detail = load(entry.words, entry.at + ENTRY_DETAIL);
      if (cas(entry.words, entry.at + ENTRY_DETAIL, detail, next(detail)) === detail) return;
    }
  }
}

/** One call that waits for a notification. */
class NotificationWait implements Wait {
  private readonly own: OwnWaits;

  constructor(own: OwnWaits) {
    this.own = own;
  }

  peek(): boolean {
    return this.own.hasUnclaimed;
  }

  attempt(): boolean {
    if (!this.peek()) return false;
    this.own.claimed++;
    return true;
  }

  /**
   * Withdraws; a notification that no other call of this agent can take goes to another agent: first handed on and then struck off,
   * so that none is lost where this agent dies in between. The reaper then hands it on again: one too many rather than none.
   */
  abandon(): void {
    const { own } = this;
    const { cell } = own;
    own.change((detail) => {
      if (notifiedIn(detail) !== waitingIn(detail)) return detail - 1;
      // Where as many are notified as wait, nobody but this agent changes the counts: this is done once.
      const { agent } = cell;
      for (const waiter of grant(agent.namespace, cell, 1)) wake(agent, waiter, cell.number);
      return detail - 1 - NOTIFIED_STEP;
    });
  }

  /** Strikes off the notification, once the lock is held again. */
  finish(): void {
    this.own.change((detail) => detail - 1 - NOTIFIED_STEP);
    this.own.claimed--;
  }

  taken(): void {}

  suspect(): number {
    return 0;
  }
}

/** Notifies the `count` agents that came first; returns whom to wake. Agents whose thread is blocked elsewhere come last. */
function grant(namespace: Namespace, place: Place, count: number): Set<Waiter> {
  const granted = new Set<Waiter>();
  const waiters = waitersOf(namespace, place);
  for (let left = count; left > 0; left--) {
    const waiter = grantOne(namespace, waiters);
    if (waiter === undefined) break;
    granted.add(waiter);
  }
  return granted;
}

function grantOne(namespace: Namespace, waiters: Waiter[]): Waiter | undefined {
  for (;;) {
    let best: Waiter | undefined;
    let bestDetail = 0;
    let bestOrder = 0;
    let bestActs = false;
    for (const waiter of waiters) {
      const { words, at, slot } = waiter;
      const detail = load(words, at + ENTRY_DETAIL);
      if (notifiedIn(detail) >= waitingIn(detail)) continue;
      const blocking = (load(words, at + ENTRY_STATUS) & BLOCKING_BIT) !== 0;
      const acts = blocking || load(namespace.words, agentWord(slot) + AGENT_BLOCKED_ON) === 0;
      // The entry tells the ticket of its first flow; those behind it came later.
      const order = (load(words, at + ENTRY_TICKET) + notifiedIn(detail)) | 0;
      if (best !== undefined && (bestActs !== acts ? bestActs : !isBefore(order, bestOrder))) continue;
      best = waiter;
      bestDetail = detail;
      bestOrder = order;
      bestActs = acts;
    }
    if (best === undefined) return undefined;
    const { words, at } = best;
    if (cas(words, at + ENTRY_DETAIL, bestDetail, bestDetail + NOTIFIED_STEP) === bestDetail) return best;
  }
}

/** How a condition stands. */
export interface ConditionDescription extends Description {
  /** Calls that wait for a notification, blocked and awaiting, in all processes. */
  waiting: number;
  lock: Description;
}

/**
 * Lets processes and threads wait for a change of what its lock guards. `wait` gives the lock up, waits for a notification, and
 * comes back with the lock held as before, at the same depth.
 *
 * *If a waiter dies* it is withdrawn; a notification that it had been given and not taken goes to the next. *If the holder of the lock dies*,
 * who comes in next is told, as of any lock; who comes back from a wait, by `recovered`.
 *
 * @example
 * await condition.run(async () => {
 *   await condition.waitFor(() => count.value > 0);
 *   count.value--;
 * });
 */
export class Condition extends SharedObject implements Lockable {
  /** The lock that guards it. */
  readonly lock: Guard;
  private readonly own: OwnWaits;
  private readonly guard: MutualExclusion;

  /** `lock`: a Lock or RLock; by default an RLock of its own. Throws `InvalidTypeError` for anything else. */
  constructor(lock?: Guard, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: Guard | Opened, options?: ObjectOptions) {
    const made =
      source instanceof Opened ? { opened: source, lock: undefined } : obtainCondition(source, options);
    super(TYPE, made.opened);
    this.own = OwnWaits.of(this.cell);
    this.lock = made.lock ?? openGuard(this.cell, this.title)!;
    this.guard = this.lock;
  }

  /** Opens the condition that the handle stands for, with its lock. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Condition {
    return new Condition(openHandle(TYPE, handle));
  }

  get locked(): boolean {
    return this.lock.locked;
  }

  get owner(): Owner | null {
    return this.lock.owner;
  }

  /** Whether somebody has died inside before this thread came in, or came back from its wait; see `Lock.recovered`. */
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
   * Gives the lock up, waits for a notification, takes the lock again. Resolves to `true` when notified, `false` when the timeout has
   * passed; the timeout does not bound the taking again. The event loop goes on. Where somebody has died inside meanwhile, `recovered` is
   * `true` afterwards, until the lock is released.
   *
   * *Cancels* by `signal`: rejects with its reason, with the lock held again. Rejects with `NotOwnerError` (or
   * `NotLockedError`) without the lock.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = this.begin(options);
    const { cell } = this;
    const wait = new NotificationWait(this.own);
    const ticket = this.enter(AWAITING_BIT);
    const holding = this.guard.giveUp();
    let notified = false;
    try {
      notified = await cell.await(wait, ticket, deadline, this);
    } finally {
      await this.guard.takeBack(holding);
      if (notified) wait.finish();
    }
    return notified;
  }

  /** The same; *blocks* the thread. */
  waitSync(options?: WaitOptions): boolean {
    const deadline = this.begin(options);
    const { cell } = this;
    const wait = new NotificationWait(this.own);
    this.enter(BLOCKING_BIT);
    const holding = this.guard.giveUp();
    let notified = false;
    try {
      notified = (spin(cell, wait) && wait.attempt()) || block(cell, wait, deadline);
    } finally {
      cell.leave(BLOCKING_BIT);
      if (!notified) wait.abandon();
      this.guard.takeBackSync(holding);
      if (notified) wait.finish();
    }
    return notified;
  }

  /**
   * Waits until `predicate` returns something true, asked anew after each notification; resolves to its last value, which is
   * false only when the timeout has passed. An error of the predicate goes to the caller, with the lock held.
   */
  async waitFor<Value>(predicate: () => Value, options?: WaitOptions): Promise<Value> {
    checkFunction(this.title, predicate);
    const deadline = Deadline.from(options);
    for (;;) {
      const value = predicate();
      if (value || deadline.expired) return value;
      if (!(await this.wait(remaining(deadline)))) return predicate();
    }
  }

  /** The same; *blocks* the thread. */
  waitForSync<Value>(predicate: () => Value, options?: WaitOptions): Value {
    checkFunction(this.title, predicate);
    const deadline = Deadline.from(options);
    for (;;) {
      const value = predicate();
      if (value || deadline.expired) return value;
      if (!this.waitSync(remaining(deadline))) return predicate();
    }
  }

  /**
   * Notifies at most `n` of those that wait now, those that came first; 0 or less notifies nobody. They go on when the
   * lock is released. Throws `NotOwnerError` (or `NotLockedError`) without the lock.
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

  /** Notifies everyone who waits now. */
  notifyAll(): void {
    this.notify(Number.POSITIVE_INFINITY);
  }

  override describe(): ConditionDescription {
    this.checkOpen();
    return {
      kind: TYPE.name,
      name: this.name ?? null,
      handle: this.handle,
      waiting: countWaiting(this.cell.agent.namespace, this.cell),
      lock: this.lock.describe(),
    };
  }

  protected override summary(): string {
    const waiting = countWaiting(this.cell.agent.namespace, this.cell);
    return `on ${this.lock}${waiting === 0 ? '' : `, ${waiting} waiting`}`;
  }

  /** Fills the wait entry and counts the call in it; returns its ticket. */
  private enter(how: number): number {
    const { cell } = this;
    // Notifications that no call has taken yet are for those that came before: nobody can add one while this call has the lock.
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
  if (lock === undefined || isGuard(lock)) return obtainWithLock(TYPE, options, lock ?? true, NOTHING);
  throw new InvalidTypeError(
    `Condition: refused, its lock is ${inspect(lock)}; pass a Lock or an RLock, or nothing`,
  );
}

/** Hands on what the dead agent had been notified of and not taken: one by one, so that it may be done twice. */
function withdraw(namespace: Namespace, place: Place, _dead: number, words: Words, at: number): void {
  // No flow of the dead agent waits any more, so none of these goes back to it.
  let detail: number;
  do detail = load(words, at + ENTRY_DETAIL);
  while (cas(words, at + ENTRY_DETAIL, detail, notifiedIn(detail) << NOTIFIED_SHIFT) !== detail);
  let notified = notifiedIn(detail);
  while (notified > 0 && grant(namespace, place, 1).size > 0) {
    notified--;
    store(words, at + ENTRY_DETAIL, notified << NOTIFIED_SHIFT);
  }
  store(words, at + ENTRY_DETAIL, 0);
}

registerKind(KIND.CONDITION, { name: TYPE.name, withdraw });
registerClass(TYPE.name, Condition.open);
