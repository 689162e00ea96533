/**
 * The contents of a ring in numbers, read from its words one after the other: mapped ones, or those
 * of a file that an observer reads. Others may put and take meanwhile, so the numbers are those of
 * a moment only if HEAD stays.
 */

import type { Ring } from './ring.ts';
import {
  CAPACITY_WORD,
  DONE_WORD,
  END_WORD,
  HEAD_WORD,
  MAGIC_WORD,
  MOST_WORD,
  NUMBER_MASK,
  PUTS_WORD,
  RING_HEADER_WORDS,
  RING_MAGIC,
  SKIP,
  UNIT,
} from './ring-words.ts';

export interface RingFacts {
  readonly items: number;
  /** Items that it may have at most; 0: as many as its bytes can keep. */
  readonly maxSize: number;
  /** Bytes of the ring. */
  readonly capacity: number;
  /** Items put and not yet reported done, of a JoinableQueue. */
  readonly unfinished: number;
}

/**
 * The facts; `changing` if HEAD has moved meanwhile; `undefined` if the words are not those of a
 * ring.
 *
 * @param word reads a word, counted from the beginning of the header; `undefined` past the end
 */
export function describeRing(
  word: (index: number) => number | undefined,
): RingFacts | 'changing' | undefined {
  const head = word(HEAD_WORD);
  const capacity = word(CAPACITY_WORD) ?? 0;
  if (head === undefined || word(MAGIC_WORD) !== RING_MAGIC) return undefined;
  if (capacity < UNIT * 2 || (capacity & (capacity - 1)) !== 0) return undefined;
  // DONE never passes PUTS, so it is read first.
  const done = word(DONE_WORD)!;
  const puts = word(PUTS_WORD)!;
  const end = word(END_WORD + (puts & 1))! & NUMBER_MASK;
  const unfinished = (puts - done) & NUMBER_MASK;
  const common = { maxSize: word(MOST_WORD)!, capacity, unfinished };
  if (end === head) return { items: 0, ...common };
  // The oldest item has the number of items that were put before it.
  const at = wordOf(head, capacity);
  const first = word(at);
  if (first === undefined) return undefined;
  const number = word(((first & SKIP) === 0 ? at : wordOf(0, capacity)) + 1);
  if (number === undefined) return undefined;
  if (word(HEAD_WORD) !== head) return 'changing';
  const items = (puts - (number & NUMBER_MASK)) & NUMBER_MASK;
  return items > capacity / UNIT ? undefined : { items, ...common };
}

/**
 * The facts of a mapped ring. If others put and take meanwhile, or words are damaged, the ring
 * counts its items itself. Throws `LayoutError` where it can't.
 */
export function factsOf(ring: Pick<Ring, 'word' | 'size' | 'most' | 'capacity' | 'unfinished'>): RingFacts {
  const facts = describeRing(ring.word);
  if (facts !== 'changing' && facts !== undefined) return facts;
  const { size, most, capacity, unfinished } = ring;
  return { items: size, maxSize: most, capacity, unfinished };
}

/** The word at which the unit of that position lies. */
function wordOf(position: number, capacity: number): number {
  return RING_HEADER_WORDS + ((position & (capacity / UNIT - 1)) * UNIT) / 4;
}
