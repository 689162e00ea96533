/** The state of a Latch. */

import { load } from '#atomics';
import type { Describe } from '../agents/facts.ts';
import { CELL_STATE } from '../memory/layout.ts';

export const describeLatch: Describe<{ readonly count: number }> = (_view, { words, at }) => {
  const count = load(words, at + CELL_STATE);
  return { holders: [], endedBy: 'anybody', over: count === 0, state: { count } };
};
