/**
 * Item names: behind the payload of an item with shared objects, which of them it keeps
 * (agents/kept.ts).
 *
 *   payload, filled up to a unit | number, generation of each | how many there are | bytes of the
 *   payload
 *
 * The list ends with the item, so it is found from its end.
 */

import type { Words } from '../../memory/atomics.ts';
import type { Named } from '../../memory/place.ts';
import type { Ring } from './ring.ts';
import { UNIT } from './ring-words.ts';

const WORDS_EACH = 2;

/** The list behind a payload. */
export interface NameList {
  readonly names: Named[];
  /** Bytes of the payload before it. */
  readonly payload: number;
}

/** Bytes of an item with a payload of so many and so many names. */
export function lengthWithNames(payload: number, names: number): number {
  return filledUp(payload) + (names + 1) * UNIT;
}

/** Writes the list behind the payload, which begins at the byte `from`. There has to be room. */
export function writeNames(ring: Ring, from: number, payload: number, names: readonly Named[]): void {
  const list = new Int32Array((names.length + 1) * WORDS_EACH);
  names.forEach(({ number, generation }, index) => {
    list[index * WORDS_EACH] = number;
    list[index * WORDS_EACH + 1] = generation;
  });
  list[list.length - 2] = names.length;
  list[list.length - 1] = payload;
  ring.copyIn(from + filledUp(payload), list, list.length);
}

/**
 * Reads the list of an item of so many bytes; `undefined` where it makes no sense: it was
 * overwritten meanwhile, or is damaged.
 */
export function readNames(ring: Ring, from: number, length: number): NameList | undefined {
  if (length < UNIT || length % UNIT !== 0) return undefined;
  const [count = 0, payload = 0] = wordsAt(ring, from + length - UNIT, WORDS_EACH);
  if (count < 0 || payload < 0 || lengthWithNames(payload, count) !== length) return undefined;
  const list = wordsAt(ring, from + filledUp(payload), count * WORDS_EACH);
  const names = Array.from({ length: count }, (_, index) => {
    return { number: list[index * WORDS_EACH]!, generation: list[index * WORDS_EACH + 1]! };
  });
  return { names, payload };
}

function wordsAt(ring: Ring, from: number, count: number): Words {
  const words = new Int32Array(count);
  ring.copyOut(from, words, count);
  return words;
}

function filledUp(bytes: number): number {
  return Math.ceil(bytes / UNIT) * UNIT;
}
