/** Guard: the lock that belongs to a condition or a value, remembered in its cell so that whoever opens one has both. */

import { load, store } from '#atomics';
import type { Agent } from '../agents/agent.ts';
import type { Cell } from '../agents/cell.ts';
import { Opened } from '../agents/shared-object.ts';
import { InvalidTypeError, StaleHandleError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';
import { CELL_BODY, CELL_HEADER, KIND, kindOf } from '../memory/layout.ts';
import { Lock } from './lock.ts';
import { RLock } from './rlock.ts';

/** Cell of the lock; 0 none. */
const LOCK_WORD: number = CELL_BODY + 2;
const LOCK_GENERATION_WORD: number = CELL_BODY + 3;

export type Guard = Lock | RLock;

export function isGuard(value: unknown): value is Guard {
  return value instanceof Lock || value instanceof RLock;
}

/** A new RLock in the agent's namespace. */
export function makeGuard(agent: Agent): RLock {
  return new RLock(
    new Opened(
      agent.create(RLock.TYPE, () => {}),
      undefined,
    ),
  );
}

/** Notes in the object's cell which lock is its own. */
export function attachGuard({ words, at }: Place, { cell }: Guard): void {
  store(words, at + LOCK_WORD, cell.number);
  store(words, at + LOCK_GENERATION_WORD, cell.generation);
}

/** Throws `InvalidTypeError` if the object, found by its name, has another lock than the given one. */
export function checkGuard({ words, at }: Cell, given: Guard, title: string): void {
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
  const place = agent.namespace.arena.place(number);
  const isLock = kindOf(load(place.words, place.at + CELL_HEADER)) === KIND.LOCK;
  const found = agent.open(isLock ? Lock.TYPE : RLock.TYPE, number, load(words, at + LOCK_GENERATION_WORD));
  if (found === undefined) {
    throw new StaleHandleError(
      `${title}: can't be opened, its lock does not exist any more; keep it open while handles are in use`,
    );
  }
  const opened = new Opened(found, undefined);
  return isLock ? new Lock(opened) : new RLock(opened);
}
