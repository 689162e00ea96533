/** The state of a Semaphore and a BoundedSemaphore. */

import { load } from '#atomics';
import type { Describe, Holding } from '../../agents/facts.ts';
import { CELL_BODY, CELL_STATE } from '../../memory/layout.ts';
import { eachExtraWord } from '../../objects/extra-words.ts';

export const PERMITS_MASK: number = (1 << 27) - 1;
/** Of a BoundedSemaphore: its number of permits. */
export const LIMIT_WORD: number = CELL_BODY + 2;

export function permitsIn(state: number): number {
  return state & PERMITS_MASK;
}

export const describeSemaphore: Describe<{ readonly value: number }> = (_view, { words, at }) => {
  const value = permitsIn(load(words, at + CELL_STATE));
  return { holders: [], endedBy: 'anybody', over: value > 0, state: { value } };
};

export const describeBoundedSemaphore: Describe<{ readonly value: number; readonly limit: number }> = (
  view,
  place,
) => {
  const limit = load(place.words, place.at + LIMIT_WORD);
  const counts = new Map<number, number>();
  let value = 0;
  eachExtraWord(view, place, limit, ({ words, at }) => {
    const slot = load(words, at);
    if (slot === 0) value++;
    else counts.set(slot, (counts.get(slot) ?? 0) + 1);
  });
  const holders = [...counts].map(([slot, count]): Holding => ({ slot, as: 'permit', count }));
  return { holders, endedBy: 'holder', over: value > 0, state: { value, limit } };
};
