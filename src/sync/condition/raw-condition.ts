/**
 * RawCondition: notifications for waiters; the algorithm under Condition.
 *
 *   word   name             bits       written by
 *   +1     TICKETS          counter    waiters
 *   +2     LOCK             cell       the creator
 *   +3     LOCK_GENERATION             the creator
 *   detail of the wait entry: 29…15 notified | 14…0 waiting flows, CAS by the waiting agent,
 *   notifiers and the reaper
 *
 * A notification is not a wake-up but a grant, counted in the entry of the agent it goes to.
 * `notify` raises NOTIFIED by CAS while it is below WAITING. So at most n of the present waiters
 * are notified, and no later one. A flow that times out withdraws by CAS; if a grant was faster, it
 * takes that or hands it on. The grant is struck off only when the waiter has the lock again: if it
 * dies before, the reaper hands it on. The entry stays with this condition as long as the agent has
 * it open, so a late CAS can't meet another object's entry.
 *
 * Enqueueing and releasing are not one step and need not be: a notifier must hold the lock, which
 * the waiter gives up only after its entry is filled.
 *
 * Race: W1 times out, W2 waits, N notifies one. N raises NOTIFIED of W1's agent (N1); W1 withdraws:
 * its CAS finds the raised count (W1a) and hands the notification on to W2. Had W1a come first, N's
 * CAS would have failed and N chosen W2 itself.
 */

import { cas, load, store } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Wait } from '../../agents/wait.ts';
import type { Waiter } from '../../agents/waiters.ts';
import { isBefore, waitersOf, wake } from '../../agents/waiters.ts';
import { ExhaustedError } from '../../errors.ts';
import type { Words } from '../../memory/atomics.ts';
import {
  AGENT_BLOCKED_ON,
  agentWord,
  BLOCKING_BIT,
  ENTRY_DETAIL,
  ENTRY_STATUS,
  ENTRY_TICKET,
} from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { NOTIFIED_SHIFT, NOTIFIED_STEP, notifiedIn, WAITING_MASK, waitingIn } from './condition-facts.ts';

/** This agent's calls that wait for the condition. */
export class OwnWaits {
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

  /** Counts one more waiting call. Its entry is filled. Throws `ExhaustedError`. */
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
export class NotificationWait implements Wait {
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
   * Withdraws. A notification that no other call of this agent can take goes to another agent. It
   * is first handed on and then struck off, so that none is lost where this agent dies in between.
   * The reaper then hands it on again: one too many rather than none.
   */
  abandon(): void {
    const { own } = this;
    const { cell } = own;
    own.change((detail) => {
      if (notifiedIn(detail) !== waitingIn(detail)) return detail - 1;
      // If as many calls are notified as wait, only this agent changes the counts, so this is done
      // once.
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

/**
 * Notifies the `count` agents that came first; returns the agents to wake. Agents whose thread is
 * blocked elsewhere come last.
 */
export function grant(namespace: Namespace, place: Place, count: number): Set<Waiter> {
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
      // The entry has the ticket of its first flow; the flows behind it came later.
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

/**
 * Hands on the notifications that the dead agent had not taken, one by one, so that it may be
 * repeated.
 */
export function withdrawNotified(
  namespace: Namespace,
  place: Place,
  _dead: number,
  words: Words,
  at: number,
): void {
  // No flow of the dead agent waits, so none of these goes back to it.
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
