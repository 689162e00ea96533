/**
 * Barging: how long an agent may take a contended object again and again while the waiter that it
 * has woken has not come.
 *
 * A woken waiter sets FAIR itself when it finds the object taken (raw-lock.ts). But it first has to
 * run, and where the processors are busy, with the barging thread among others, that can take
 * several milliseconds: a scheduler's slice. So the barging agent looks at the clock, too: after
 * half a millisecond its release keeps the object for the oldest waiter, and it queues itself,
 * which frees its processor.
 *
 * It looks after 4 takings, then after 8 more, 16 more…: a thread that takes and releases within
 * nanoseconds hardly ever does.
 *
 * The waiter may be stopped, or its event loop busy. Then the object stands idle until others take
 * it, after an interval. For an agent that has queued for nothing, the half millisecond becomes
 * four, then thirty-two…, until it is served in its turn. Then the waiter that blocked the queue is
 * gone.
 */

import { now } from '#park';
import { FAIRNESS_AFTER } from '../agents/awaiting-calls.ts';

const NEVER = Number.MAX_SAFE_INTEGER;
const FIRST_LOOK = 4;
const LOOK_FACTOR = 2;
const PATIENCE_FACTOR = 8;
/**
 * Milliseconds in which an object that was kept for nobody stood idle: the shortest interval after
 * which others take it.
 */
const IDLE_AFTER = 20;
/** Milliseconds. */
const MOST_PATIENCE = 16_000;

export class Barging {
  /** The number of takings at which to look at the clock. */
  private lookAt = NEVER;
  private step = 0;
  private since = 0;
  private patience = FAIRNESS_AFTER;
  /** When this agent gave way, until it has taken the object again; 0: it has. */
  private gaveWayAt = 0;

  /**
   * This agent, which has taken the object `takings` times, may be passing over others: it has just
   * woken one, or was faster.
   */
  begin(takings: number): void {
    if (this.lookAt !== NEVER) return;
    this.step = FIRST_LOOK;
    this.lookAt = takings + FIRST_LOOK;
    this.since = now();
  }

  /** Whether there is nothing to ask `isTooLong`: on the fast path. */
  isShort(takings: number): boolean {
    return takings < this.lookAt;
  }

  /**
   * Whether this agent has been at it for too long: then it gives way to the oldest waiter, if
   * there is one.
   */
  isTooLong(takings: number): boolean {
    if (takings < this.lookAt) return false;
    if (now() - this.since < this.patience) {
      this.step *= LOOK_FACTOR;
      this.lookAt = takings + this.step;
      return false;
    }
    this.lookAt = NEVER;
    return true;
  }

  /** This agent hands the object off to the oldest waiter. */
  giveWay(): void {
    this.gaveWayAt = now();
  }

  /**
   * This agent has taken the object after a wait; `impatient`: even if it was reserved for another.
   */
  waited(impatient: boolean): void {
    this.lookAt = NEVER;
    if (!impatient) this.patience = FAIRNESS_AFTER;
    // It may also be impatient where others have come and gone meanwhile.
    else if (this.gaveWayAt !== 0 && now() - this.gaveWayAt > IDLE_AFTER)
      this.patience = Math.min(this.patience * PATIENCE_FACTOR, MOST_PATIENCE);
    this.gaveWayAt = 0;
  }
}
