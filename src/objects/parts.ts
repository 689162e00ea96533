/** Parts: cells that belong to another one, which tells of them in two words (number, generation) and keeps them open. */

import { load, store } from '#atomics';
import type { Cell, ObjectType } from '../agents/cell.ts';
import { StaleHandleError } from '../errors.ts';
import type { Place } from '../memory/arena.ts';

/** Tells of the part in a cell's words. */
export function notePart({ words, at }: Place, word: number, { number, generation }: Cell): void {
  store(words, at + word + 1, generation);
  store(words, at + word, number);
}

/** Opens the part that these words tell of; it is closed with `of`. `undefined`: they tell of none. Throws `StaleHandleError`. */
export function openPart(
  of: Cell,
  type: ObjectType,
  { words, at }: Place,
  word: number,
  title: string,
): Cell | undefined {
  const number = load(words, at + word);
  if (number === 0) return undefined;
  const found = of.agent.open(type, number, load(words, at + word + 1));
  if (found === undefined) {
    throw new StaleHandleError(
      `${title}: can't be opened, a part of it does not exist any more; make it anew`,
    );
  }
  found.references++;
  of.parts.push(found);
  return found;
}
