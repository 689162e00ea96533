/**
 * The state of shared data, as their cells show it: how much there is. The data themselves are the
 * program's, and no observer shows them.
 */

import { load } from '#atomics';
import type { Describe } from '../agents/facts.ts';
import { CELL_BODY } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';

/** Of a ShareableList: its number of items. */
export const LENGTH_WORD: number = CELL_BODY;
/** The size of the data, in the unit of their kind: low 32 bits, then 21 bits. */
export const COUNT_WORD: number = CELL_BODY + 4;
export const WORD: number = 2 ** 32;

export function loadCount({ words, at }: Place): number {
  return (load(words, at + COUNT_WORD) >>> 0) + (load(words, at + COUNT_WORD + 1) >>> 0) * WORD;
}

/** Of arrays of numbers and of records. */
export const describeArray: Describe<{ readonly length: number }> = (_view, place) => ({
  holders: [],
  endedBy: 'anybody',
  state: { length: loadCount(place) },
});

export const describeList: Describe<{ readonly length: number }> = (_view, { words, at }) => ({
  holders: [],
  endedBy: 'anybody',
  state: { length: load(words, at + LENGTH_WORD) },
});

/** Of a block of SharedMemory. */
export const describeBlock: Describe<{ readonly size: number }> = (_view, place) => ({
  holders: [],
  endedBy: 'anybody',
  state: { size: loadCount(place) },
});

/** Of a constant. */
export const describeShared: Describe<{ readonly bytes: number }> = (_view, place) => ({
  holders: [],
  endedBy: 'anybody',
  state: { bytes: loadCount(place) },
});
