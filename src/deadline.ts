/**
 * Deadline: a timeout and an AbortSignal as one object, made once at the edge of the API and passed
 * down, so that nothing inside ever restarts a timeout.
 */

import { inspect } from 'node:util';
import { now } from '#clock';
import { InvalidTypeError } from './errors.ts';
import { checkKnown } from './options.ts';
import type { Origin } from './stacks.ts';

/**
 * The fate of a wait that would never end, because all members of a cycle wait for the next one:
 * its call throws, or it waits on.
 */
export type DeadlockPolicy = 'throw' | 'ignore';

/** How long to wait. Shared by every operation that can wait. */
export interface WaitOptions {
  /**
   * Longest time to wait, in milliseconds. With 0 or less, the call tries once; with `Infinity` or
   * without a timeout, it waits without limit. It limits the wait, not the time for which a lock is
   * held.
   */
  timeout?: number | undefined;
  /** Ends the wait when it aborts: the call rejects (or throws) with `signal.reason`. */
  signal?: AbortSignal | undefined;
  /**
   * For a wait for a lock: `'ignore'` does not look for deadlocks. Default: the option that the
   * lock was made with.
   */
  deadlock?: DeadlockPolicy | undefined;
}

/** The moment at which a wait gives up, on the clock of `performance.now()`. */
export class Deadline {
  /** No limit. */
  static readonly NEVER: Deadline = new Deadline(Number.POSITIVE_INFINITY, undefined);

  /** Milliseconds on the clock of `performance.now()`; `Infinity` for no limit. */
  readonly at: number;
  readonly signal: AbortSignal | undefined;
  /** The origin of the call that waits until then, if the call had to wait. */
  origin: Origin | undefined;

  private constructor(at: number, signal: AbortSignal | undefined) {
    this.at = at;
    this.signal = signal;
  }

  /**
   * Checks the options and starts the clock. Throws `InvalidTypeError` for anything but numbers and
   * signals.
   */
  static from(options: WaitOptions | undefined): Deadline {
    if (options === undefined) return Deadline.NEVER;
    if (options === null || typeof options !== 'object') {
      throw new InvalidTypeError(
        `options: refused, ${inspect(options)} is not an object; pass { timeout: milliseconds, signal }`,
      );
    }
    checkKnown('options', options, 'wait');
    const { timeout, signal, deadlock } = options;
    checkPolicy('options', deadlock);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new InvalidTypeError(
        `signal: refused, ${inspect(signal)} is not an AbortSignal; pass controller.signal`,
      );
    }
    const at =
      timeout === undefined ? Number.POSITIVE_INFINITY : now() + checkMilliseconds('timeout', timeout);
    return at === Number.POSITIVE_INFINITY && signal === undefined
      ? Deadline.NEVER
      : new Deadline(at, signal);
  }

  /**
   * Like `from`, at the beginning of a wait: throws the signal's reason if it is already aborted.
   */
  static begin(options: WaitOptions | undefined): Deadline {
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    return deadline;
  }

  /** Whether there is neither a timeout nor a signal. */
  get unlimited(): boolean {
    return this === Deadline.NEVER;
  }

  /** Whether a timeout was given (a signal alone does not count). */
  get timed(): boolean {
    return this.at !== Number.POSITIVE_INFINITY;
  }

  get expired(): boolean {
    return this.at !== Number.POSITIVE_INFINITY && now() >= this.at;
  }

  /** Milliseconds left, never negative. */
  get remaining(): number {
    return this.at === Number.POSITIVE_INFINITY ? this.at : Math.max(0, this.at - now());
  }

  /** Throws the signal's reason when it is aborted already. */
  throwIfAborted(): void {
    this.signal?.throwIfAborted();
  }
}

/** Throws `InvalidTypeError` unless the value is a policy for deadlocks. */
export function checkPolicy(what: string, policy: unknown): void {
  if (policy === undefined || policy === 'throw' || policy === 'ignore') return;
  throw new InvalidTypeError(
    `${what}: refused, deadlock is ${inspect(policy)}; pass 'throw' or 'ignore', or leave it out`,
  );
}

/**
 * Returns `value` where it is a number that can bound a wait; throws `InvalidTypeError` otherwise.
 */
export function checkMilliseconds(what: string, value: unknown): number {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new InvalidTypeError(
      `${what}: refused, ${inspect(value)} is not a number of milliseconds; pass e.g. { ${what}: 500 } or leave it out`,
    );
  }
  return value;
}
