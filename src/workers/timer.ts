/** Timer: one call after a while, unless cancelled. */

import { inspect } from 'node:util';
import { checkMilliseconds } from '../deadline.ts';
import { InvalidTypeError, StateError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';

/**
 * Calls a function once, some milliseconds after `start()`. Keeps the program running until it has,
 * or is cancelled.
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
    checkMilliseconds('milliseconds', milliseconds);
    if (typeof fn !== 'function') {
      throw new InvalidTypeError(
        `Timer: refused, ${inspect(fn, { depth: 0 })} is not a function; pass the function to call`,
      );
    }
    this.milliseconds = milliseconds;
    this.fn = fn;
    this.args = args;
  }

  /** Begins to wait. Does nothing if it was cancelled. Throws `StateError` when started twice. */
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

  /** Prevents the call, also before `start()`. Harmless afterwards. */
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
