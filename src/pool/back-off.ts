/**
 * Back-off: when a worker that has ended is replaced.
 *
 * It is replaced immediately, unless it lived less than a second and has brought no result. Then
 * replacements come with delays: of 100 ms if it was ready, so that a stream of deadly tasks does
 * not become a stream of starts, and of growing ones if it was not. Too many ends in a row before a
 * worker was ready break the pool.
 */

import { now } from '#park';
import type { Alarm, Alarms } from './alarms.ts';
import type { Member } from './member.ts';

/**
 * A worker that lived less than this many milliseconds, without a result, is replaced with a
 * growing delay.
 */
const SHORT_LIFE = 1000;
const DELAYS = [0, 0, 100, 200, 500, 1000, 2000, 5000];
/** The longest of these delays, by its place, after a worker that was ready. */
const MOST_DELAYED = 2;
/** Number of workers in a row that may end before they are ready. */
const MOST_FALSE_STARTS = 3;
/** The same, for workers that a signal has ended. */
const MOST_KILLED_STARTS = 20;

export class BackOff {
  /** Workers in a row that ended before they were ready. */
  falseStarts = 0;
  private readonly alarms: Alarms;
  private shortLives = 0;
  private waiting: Alarm | undefined;

  constructor(alarms: Alarms) {
    this.alarms = alarms;
  }

  /** A worker is ready. */
  succeeded(): void {
    this.falseStarts = 0;
  }

  /** The worker has ended. `false`: the pool shall not try again. */
  lost({ born, child, hasResults, killed, state }: Member): boolean {
    const isVain = now() - born < SHORT_LIFE && state !== 'retiring' && !hasResults;
    const mostDelayed = state === 'starting' ? DELAYS.length - 1 : MOST_DELAYED;
    this.shortLives = isVain ? Math.min(this.shortLives + 1, mostDelayed) : 0;
    // A worker that brought results ends a back-off that others have begun.
    if (!isVain) this.end();
    if (state !== 'starting' || killed) return true;
    // Allow more false starts for workers that were killed from outside.
    const most = (child.exitCode ?? 0) < 0 ? MOST_KILLED_STARTS : MOST_FALSE_STARTS;
    return ++this.falseStarts < most;
  }

  /** Calls `start` now, or after the delay. While it waits, further calls change nothing. */
  start(start: () => void): void {
    if (this.waiting !== undefined) return;
    const delay = DELAYS[this.shortLives]!;
    if (delay === 0) {
      start();
      return;
    }
    const begin = (): void => {
      this.waiting = undefined;
      start();
    };
    this.waiting = this.alarms.set(delay, begin, true);
  }

  /** Ends the delay; nothing is started. */
  end(): void {
    this.alarms.clear(this.waiting);
    this.waiting = undefined;
  }
}
