/**
 * Guarding: the lock that a shared value, array or record has beside it, chosen by the option
 * `lock`.
 */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError } from '../errors.ts';
import type { Content } from '../objects/content.ts';
import type { Guard, Guarded } from '../sync/lock/guard.ts';
import { isGuard, obtainWithLock } from '../sync/lock/guard.ts';

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

/** The lock, or an `InvalidTypeError` where there is none. */
export function lockOf(title: string, guard: Guard | undefined): Guard {
  if (guard !== undefined) return guard;
  throw new InvalidTypeError(
    `${title}: has no lock, it was made with { lock: false }; guard it with a lock of yours`,
  );
}
