/** Timer: one call after a while, unless cancelled. */

import { inspect } from 'node:util';
import { InvalidTypeError, StateError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';

/**
 * Calls a function once, a given number of milliseconds after `start()`. Until then it keeps the
 * program running, unless it is cancelled.
 *
 * ```ts
 * const timer = new Timer(5000, () => console.log('too late'));
 * timer.start();
 * timer.cancel();
 * ```
 */
export class Timer<Args extends readonly unknown[] = []> {
  /** The time from `start()` to the call. */
  readonly milliseconds: number;
  private readonly fn: (...args: Args) => unknown;
  private readonly args: Args;
  private state: 'new' | 'waiting' | 'fired' | 'cancelled' = 'new';
  private started = false;
  private stop: (() => void) | undefined;

  /** @param milliseconds any length; 0 or less calls as soon as the running code returns */
  constructor(milliseconds: number, fn: (...args: Args) => unknown, ...args: Args) {
    if (typeof milliseconds !== 'number' || Number.isNaN(milliseconds)) {
      throw new InvalidTypeError(
        `Timer: refused, ${inspect(milliseconds, { depth: 0 })} is not a number of milliseconds; pass e.g. new Timer(500, fn)`,
      );
    }
    if (typeof fn !== 'function') {
      throw new InvalidTypeError(
        `Timer: refused, ${inspect(fn, { depth: 0 })} is not a function; pass the function to call`,
      );
    }
    this.milliseconds = milliseconds;
    this.fn = fn;
    this.args = args;
  }

  /**
   * Starts the timer. Does nothing if it was cancelled. Throws `StateError` if it was started
   * before.
   */
  start(): void {
    if (this.started) throw new StateError("Timer: can't be started, it was started before; make a new one");
    this.started = true;
    if (this.state === 'cancelled') return;
    this.state = 'waiting';
    this.stop = afterMilliseconds(this.milliseconds, () => {
      this.state = 'fired';
      this.fn(...this.args);
    });
  }

  /** Cancels the call, even before `start()`. Does nothing after the call. */
  cancel(): void {
    if (this.state === 'fired') return;
    this.state = 'cancelled';
    this.stop?.();
  }

  /** Whether the call is still to come. */
  isAlive(): boolean {
    return this.state === 'waiting';
  }
}
