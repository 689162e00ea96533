/**
 * Barging: how long an agent may take a contended object again and again while the waiter that it
 * has woken has not come.
 *
 * A woken waiter sets FAIR itself when it finds the object taken (raw-lock.ts). But it first has to
 * run. While the processors are busy, the barging thread being one reason, that can take a
 * scheduler's slice: several milliseconds. So the barging agent looks at the clock, too. After half
 * a millisecond its release reserves the object for the oldest waiter. Then the agent queues, which
 * frees its processor.
 *
 * It looks at the clock after 4 takings, then after 8 more, 16 more…, so that a thread that takes
 * and releases within nanoseconds hardly ever does.
 *
 * The waiter may be suspended, or its event loop busy. Then the object stays free until another
 * agent takes it, after an interval. For an agent that has queued in vain, the half millisecond
 * becomes four, then thirty-two…, until it is served in its turn. By then the waiter that blocked
 * the queue is gone.
 */

import { now } from '#park';
import { FAIRNESS_AFTER } from '../agents/awaiting-calls.ts';

const NEVER = Number.MAX_SAFE_INTEGER;
/** Takings after which the agent first looks at the clock; their number doubles with each look. */
const FIRST_LOOK = 4;
/** Growth of the patience with each time that the agent has queued in vain. */
const PATIENCE_FACTOR = 8;
/**
 * Milliseconds for which a reserved object was free, if it was reserved in vain: no waiter takes
 * longer, and other agents take the object only after a longer interval.
 */
const IDLE_AFTER = 20;
/** Milliseconds of the longest patience. */
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
   * This agent, which has taken the object `takings` times, may be passing over waiters: it has
   * just woken one, or was faster than one.
   */
  begin(takings: number): void {
    if (this.lookAt !== NEVER) return;
    this.step = FIRST_LOOK;
    this.lookAt = takings + FIRST_LOOK;
    this.since = now();
  }

  /** Whether the fast path need not ask `isTooLong`. */
  isShort(takings: number): boolean {
    return takings < this.lookAt;
  }

  /**
   * Whether this agent has passed over waiters for too long. Then it gives way to the oldest
   * waiter, if there is one.
   */
  isTooLong(takings: number): boolean {
    if (takings < this.lookAt) return false;
    if (now() - this.since < this.patience) {
      this.step *= 2;
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
    // It may also be impatient because other agents have come and gone meanwhile.
    else if (this.gaveWayAt !== 0 && now() - this.gaveWayAt > IDLE_AFTER)
      this.patience = Math.min(this.patience * PATIENCE_FACTOR, MOST_PATIENCE);
    this.gaveWayAt = 0;
  }
}
