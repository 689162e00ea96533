/**
 * PermitCells: further words of an object that needs more than its own cell has: a chain of cells,
 * four words each, that hangs on it and is freed with it (arena.ts).
 */

import { load, store } from '#atomics';
import type { Host } from '../agents/cell.ts';
import type { Place } from '../memory/arena.ts';
import type { Words } from '../memory/atomics.ts';
import { damaged } from '../memory/damage.ts';
import {
  CELL_HEADER,
  FIRST_PERMITS,
  header,
  KIND,
  kindOf,
  MAX_BOUNDED_PERMITS,
  PERMITS,
  PERMITS_NEXT,
  PERMITS_OWNER,
  PERMITS_PER_CELL,
  PHASE_CLAIMED,
} from '../memory/layout.ts';
import type { Namespace } from '../namespaces/namespace.ts';

/** One word. */
export interface Permit {
  readonly words: Words;
  readonly at: number;
}

/** Hangs cells for `count` words on an object that is just being made. */
export function makePermits({ words, at, number }: Place, count: number, { namespace, slot }: Host): void {
  const { arena } = namespace;
  const made: Place[] = [];
  let link = { words, at: at + FIRST_PERMITS };
  while (made.length * PERMITS_PER_CELL < count) {
    const cell = arena.claim(KIND.PERMITS, slot);
    store(cell.words, cell.at + PERMITS_OWNER, number);
    store(link.words, link.at, cell.number);
    made.push(cell);
    link = { words: cell.words, at: cell.at + PERMITS_NEXT };
  }
  // From now on they are the object's, not this agent's.
  for (const cell of made) store(cell.words, cell.at + CELL_HEADER, header(PHASE_CLAIMED, KIND.PERMITS, 0));
}

/**
 * Calls `visit` for the first `count` words that hang on the object. Returns whether there are as
 * many: where the chain is damaged it ends early.
 */
export function eachPermit(
  namespace: Namespace,
  { words, at, number }: Place,
  count: number,
  visit: (permit: Permit) => void,
): boolean {
  let left = Math.min(count, MAX_BOUNDED_PERMITS);
  for (let next = load(words, at + FIRST_PERMITS); left > 0; ) {
    const cell = namespace.arena.find(next);
    if (cell === undefined || !belongsTo(cell, number)) return false;
    for (let index = 0; index < PERMITS_PER_CELL && left > 0; index++, left--) {
      visit({ words: cell.words, at: cell.at + PERMITS + index });
    }
    next = load(cell.words, cell.at + PERMITS_NEXT);
  }
  return count >= 0 && count <= MAX_BOUNDED_PERMITS;
}

/**
 * The first `count` words that hang on the object. Throws `LayoutError` where there are fewer, or
 * can't be as many.
 */
export function permitsOf(namespace: Namespace, place: Place, count: number, title: string): Permit[] {
  const permits: Permit[] = [];
  if (eachPermit(namespace, place, count, (permit) => permits.push(permit))) return permits;
  throw damaged(
    title,
    `its cells should hold ${count} words (at most ${MAX_BOUNDED_PERMITS}), and ${permits.length} were found`,
  );
}

function belongsTo({ words, at }: Place, owner: number): boolean {
  return kindOf(load(words, at + CELL_HEADER)) === KIND.PERMITS && load(words, at + PERMITS_OWNER) === owner;
}
