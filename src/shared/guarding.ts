/** Guarding: the lock that a shared value, array or record has beside it, chosen by the option `lock`. */

import { inspect } from 'node:util';
import type { Agent } from '../agents/agent.ts';
import type { ObjectType } from '../agents/cell.ts';
import type { Opened } from '../agents/shared-object.ts';
import { abandon, obtain, obtainBeside } from '../agents/shared-object.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import type { Guard } from '../sync/guard.ts';
import { attachGuard, checkGuard, isGuard, makeGuard } from '../sync/guard.ts';

/** Options of what has a lock beside it. */
export interface GuardedOptions extends ObjectOptions {
  /** The lock: an RLock of its own by default, a Lock or RLock of yours, or `false` for none. */
  lock?: boolean | Guard | undefined;
}

export interface Guarded {
  readonly opened: Opened;
  /** The lock, if it is in the maker's hands already. */
  readonly lock: Guard | undefined;
}

/** Finds or makes the object with its lock. `check` looks at one that was found or made, and throws if it is not what was wanted. */
export function obtainGuarded(
  type: ObjectType,
  options: GuardedOptions | undefined,
  init: (place: Place, agent: Agent) => void,
  check: (opened: Opened) => void,
): Guarded {
  // Only what is left out has a default: null is refused as what it is, no lock.
  const { lock: given = true } = options ?? {};
  if (typeof given !== 'boolean' && !isGuard(given)) {
    throw new InvalidTypeError(
      `${type.name}: refused, its lock is ${inspect(given)}; pass a Lock, an RLock, or false for none`,
    );
  }
  let lock = typeof given === 'boolean' ? undefined : given;
  const initGuarded = (place: Place, agent: Agent): void => {
    init(place, agent);
    if (given === true) lock = makeGuard(agent);
    if (lock !== undefined) attachGuard(place, lock);
  };
  const opened =
    lock === undefined ? obtain(type, options, initGuarded) : obtainBeside(lock, type, options, initGuarded);
  checked(opened, () => {
    check(opened);
    if (isGuard(given)) checkGuard(opened.cell, given, `${type.name} ${JSON.stringify(options?.name)}`);
  });
  return { opened, lock };
}

/** Runs `check`; gives back what was opened if it throws. */
export function checked(opened: Opened, check: () => void): void {
  try {
    check();
  } catch (error) {
    abandon(opened);
    throw error;
  }
}

/** The lock, or an `InvalidTypeError` where there is none. */
export function lockOf(title: string, guard: Guard | undefined): Guard {
  if (guard !== undefined) return guard;
  throw new InvalidTypeError(
    `${title}: has no lock, it was made with { lock: false }; guard it with a lock of yours`,
  );
}
