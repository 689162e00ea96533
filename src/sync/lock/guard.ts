/**
 * Guard: the lock that belongs to a condition or a value, remembered in its cell, so that an agent
 * that opens the object has both.
 */

import { load, store } from '#atomics';
import type { Cell, Host } from '../../agents/cell.ts';
import type { Kind } from '../../agents/kinds.ts';
import type { ObjectOptions } from '../../contracts.ts';
import { InvalidTypeError, StaleHandleError } from '../../errors.ts';
import { CELL_BODY, CELL_HEADER, kindOf } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Content } from '../../objects/content.ts';
import { checked } from '../../objects/content.ts';
import { obtain, obtainBeside } from '../../objects/obtain.ts';
import { Opened } from '../../objects/opened.ts';
import { LOCK_KIND, Lock } from './lock.ts';
import { RLOCK_KIND, RLock } from './rlock.ts';

/** Cell of the lock; 0 none. */
const LOCK_WORD: number = CELL_BODY + 2;
const LOCK_GENERATION_WORD: number = CELL_BODY + 3;

/** `needs` of kinds with a lock beside them, which they can't do without (agents/kept.ts). */
export const NEEDS_GUARD: readonly number[] = [LOCK_WORD];

export type Guard = Lock | RLock;

export function isGuard(value: unknown): value is Guard {
  return value instanceof Lock || value instanceof RLock;
}

/** An object with a lock beside it, or without. */
export interface Guarded {
  readonly opened: Opened;
  /** The lock, if the maker already has it. */
  readonly lock: Guard | undefined;
}

/**
 * Finds or makes an object with this content, and beside it the given lock, an RLock of its own
 * (`true`), or none.
 */
export function obtainWithLock(
  type: Kind,
  options: ObjectOptions | undefined,
  given: Guard | boolean,
  { make, check }: Content,
): Guarded {
  let lock = typeof given === 'boolean' ? undefined : given;
  const makeBoth = (place: Place, agent: Host): void => {
    make(place, agent);
    if (given === true) lock = makeGuard(agent);
    if (lock !== undefined) attachGuard(place, lock);
  };
  const opened =
    lock === undefined ? obtain(type, options, makeBoth) : obtainBeside(lock, type, options, makeBoth);
  checked(opened, () => {
    check(opened);
    if (typeof given === 'boolean') return;
    checkGuard(opened.cell, given, `${type.name} ${JSON.stringify(options?.name)}`);
  });
  return { opened, lock };
}

/** A new RLock in the agent's namespace. */
function makeGuard(agent: Host): RLock {
  return new RLock(
    new Opened(
      agent.create(RLOCK_KIND, () => {}),
      undefined,
    ),
  );
}

/** Notes in the object's cell which lock is its own. */
function attachGuard({ words, at }: Place, { cell }: Guard): void {
  store(words, at + LOCK_WORD, cell.number);
  store(words, at + LOCK_GENERATION_WORD, cell.generation);
}

/**
 * Throws `InvalidTypeError` if the object, found by its name, has another lock than the given one.
 */
function checkGuard({ words, at }: Cell, given: Guard, title: string): void {
  const number = load(words, at + LOCK_WORD);
  const generation = load(words, at + LOCK_GENERATION_WORD);
  if (number === given.cell.number && generation === given.cell.generation) return;
  throw new InvalidTypeError(
    `${title}: refused, the one of that name has another lock; open it without naming a lock`,
  );
}

/** Opens the lock noted in the cell; `undefined` where there is none. */
export function openGuard({ agent, words, at }: Cell, title: string): Guard | undefined {
  const number = load(words, at + LOCK_WORD);
  if (number === 0) return undefined;
  // Find the kind of the lock, then open it by cell and generation.
  const place = agent.namespace.arena.place(number);
  const isLock = kindOf(load(place.words, place.at + CELL_HEADER)) === LOCK_KIND.number;
  const found = agent.open(isLock ? LOCK_KIND : RLOCK_KIND, number, load(words, at + LOCK_GENERATION_WORD));
  if (found === undefined) {
    throw new StaleHandleError(
      `${title}: can't be opened, its lock no longer exists; keep it open while handles are in use`,
    );
  }
  const opened = new Opened(found, undefined);
  return isLock ? new Lock(opened) : new RLock(opened);
}
