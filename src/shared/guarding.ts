/**
 * Guarding: the lock that a shared value, array or record has beside it, chosen by the option
 * `lock`. `withLock` gives its members to a class of data.
 */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import type { ObjectOptions, UntimedWaitOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { InvalidTypeError } from '../errors.ts';
import type { Content } from '../objects/content.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import type { Guard, Guarded } from '../sync/lock/guard.ts';
import { isGuard, obtainWithLock, openGuard } from '../sync/lock/guard.ts';

/** Options of objects that have a lock beside them. */
export interface GuardedOptions extends ObjectOptions {
  /**
   * The object's lock: by default a new RLock. Pass a Lock or RLock to use that one, or `false` for
   * none.
   */
  lock?: boolean | Guard | undefined;
}

/** Finds or makes the object with its lock. */
export function obtainGuarded(type: Kind, options: GuardedOptions | undefined, content: Content): Guarded {
  // Only an omitted lock has a default: null is refused, because it is not a lock.
  const { lock = true } = options ?? {};
  if (typeof lock === 'boolean' || isGuard(lock)) return obtainWithLock(type, options, lock, content);
  throw new InvalidTypeError(
    `${type.name}: refused, its lock is ${inspect(lock)}; pass a Lock, an RLock, or false for none`,
  );
}

const GUARD: unique symbol = Symbol('guard');

/** The members of data with a lock. */
export interface GuardedData {
  /** The lock. Throws `InvalidTypeError` for an object that was made with `lock: false`. */
  readonly lock: Guard;
  /** The same as `lock`, under its name in Python. */
  getLock(): Guard;
  /** Runs `fn` inside the lock. */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  /** Runs `fn` inside the lock. *Blocks*; `fn` must not return a promise. */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
}

/**
 * The class of data, with a lock: its constructor takes the lock first, if the maker already has
 * it. A class that extends the result declares the types of its data.
 */
export function withLock<Rest extends unknown[]>(
  base: abstract new (...rest: Rest) => SharedObject,
): abstract new (
  lock: Guard | undefined,
  ...rest: Rest
) => SharedObject & GuardedData {
  abstract class Locked extends base implements GuardedData {
    // Really private: a record has fields of any name beside it.
    readonly #guard: Guard | undefined;

    constructor(lock: Guard | undefined, ...rest: Rest) {
      super(...rest);
      this.#guard = lock ?? openGuard(this.cell, SharedObject.titleOf(this));
    }

    get [GUARD](): Guard | undefined {
      return this.#guard;
    }

    get lock(): Guard {
      if (this.#guard !== undefined) return this.#guard;
      throw new InvalidTypeError(
        `${SharedObject.titleOf(this)}: has no lock, it was made with { lock: false }; guard it with a lock of yours`,
      );
    }

    getLock(): Guard {
      return this.lock;
    }

    run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result> {
      return this.lock.run(fn, options ?? {}) as Promise<Result>;
    }

    runSync<Result>(fn: () => Result, options?: WaitOptions): Result {
      return this.lock.runSync(fn, options ?? {}) as Result;
    }
  }
  return Locked;
}

/** The state of the object's lock, for `describe()`; `null`: it has none. */
export function describeLock(object: GuardedData): Description | null {
  return (object as { [GUARD]?: Guard })[GUARD]?.describe() ?? null;
}
