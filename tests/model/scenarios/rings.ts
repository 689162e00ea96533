/** Rings of scenarios, and items of whole words in them. */

import { load, store } from '../atomics.ts';
import type { Ring, Words } from '../internals.ts';
import { cellWord } from '../internals.ts';
import type { Library } from '../library.ts';

/** Words between the beginnings of two rings that lie one behind the other. */
const RING_WORDS: number = cellWord(810) - cellWord(800);

/** Writes the header of an empty ring; `change` may change it first. */
export function layRing(
  { Ring }: Library,
  words: Words,
  at: number,
  capacity: number,
  change?: (header: Int32Array) => void,
): void {
  const header = new Int32Array(Ring.header(capacity, 0, 0).buffer as ArrayBuffer);
  change?.(header);
  header.forEach((word, index) => {
    if (word !== 0) store(words, at + index, word);
  });
}

/** Writes the headers of that many empty rings. */
export function layRings(lib: Library, words: Words, at: number, count: number, capacity: number): void {
  for (let ring = 0; ring < count; ring++) layRing(lib, words, at + ring * RING_WORDS, capacity);
}

/** The rings that `layRings` has laid. */
export function ringsAt({ Ring }: Library, words: Words, at: number, count: number): Ring[] {
  return Array.from({ length: count }, (_, ring) => new Ring(words, at + ring * RING_WORDS, 'ring'));
}

/** Puts an item of these words, for which there has to be room. */
export function putWords(
  words: Words,
  ring: Ring,
  item: readonly number[],
  bytes: number = item.length * 4,
): void {
  const { from } = ring.roomFor(bytes);
  item.forEach((value, index) => void store(words, (from >> 2) + index, value));
  ring.commit(from, bytes, 0, false, false);
}

/** Takes an item of that many words; `undefined`: there is none. */
export function takeWords(words: Words, ring: Ring, count: number): number[] | undefined {
  for (let found = ring.find(); found !== undefined; found = ring.find()) {
    const { head, next, from } = found;
    const item = Array.from({ length: count }, (_, index) => load(words, (from >> 2) + index));
    if (ring.take(head, next)) return item;
  }
  return undefined;
}
