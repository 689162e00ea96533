/**
 * Parts: cells that belong to another cell, which names each of them in two words (number,
 * generation) and keeps them open.
 */

import { load, store } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { kindNumbered } from '../agents/kinds.ts';
import { StaleHandleError } from '../errors.ts';
import { damaged } from '../memory/damage.ts';
import { CELL_GENERATION, CELL_HEADER, kindOf, PHASE_ENDING, PHASE_LIVE, phaseOf } from '../memory/layout.ts';
import type { Named, Place } from '../memory/place.ts';

/** Names the part in two words of a cell. */
export function notePart({ words, at }: Place, word: number, { number, generation }: Named): void {
  store(words, at + word + 1, generation);
  store(words, at + word, number);
}

/**
 * Opens the part that these words name; it is closed with `of`. `undefined`: they name none.
 * Throws `StaleHandleError`.
 */
export function openPart(
  of: Cell,
  type: Kind,
  { words, at }: Place,
  word: number,
  title: string,
): Cell | undefined {
  const number = load(words, at + word);
  if (number === 0) return undefined;
  const found = of.agent.open(type, number, load(words, at + word + 1));
  if (found === undefined) throw partEnded(title);
  found.references++;
  of.parts.push(found);
  return found;
}

/** The same for a part that is a queue of any class. */
export function openQueuePart(of: Cell, word: number, title: string): Cell {
  const place = of.agent.namespace.arena.place(load(of.words, of.at + word));
  const header = load(place.words, place.at + CELL_HEADER);
  const type = kindNumbered(kindOf(header));
  if (type?.ring === undefined) {
    // Other agents may have closed the queue since `of` was opened. Then its cell is free, or
    // belongs to another object.
    const generation = load(place.words, place.at + CELL_GENERATION);
    const isThere = isInUse(header) && generation === load(of.words, of.at + word + 1);
    throw isThere ? damaged(title, 'this program does not know the kind of its queue') : partEnded(title);
  }
  return openPart(of, type, of, word, title)!;
}

/**
 * Whether the object of that kind that these words name exists: an agent has it open, or it lies in
 * a queue or pipe.
 */
export function partExists(of: Cell, { words, at }: Place, word: number, kind: number): boolean {
  const number = load(words, at + word);
  // A closed cell has -1 there.
  if (number <= 0) return false;
  const place = of.agent.namespace.arena.place(number);
  const found = load(place.words, place.at + CELL_HEADER);
  // While an agent checks whether to end the object, it is ENDING; it may become LIVE again.
  return (
    isInUse(found) &&
    kindOf(found) === kind &&
    load(place.words, place.at + CELL_GENERATION) === load(words, at + word + 1)
  );
}

/** Whether an object exists, even while an agent checks whether to end it. */
function isInUse(header: number): boolean {
  return phaseOf(header) === PHASE_LIVE || phaseOf(header) === PHASE_ENDING;
}

function partEnded(title: string): StaleHandleError {
  return new StaleHandleError(`${title}: can't be opened, a part of it no longer exists; make it again`);
}
