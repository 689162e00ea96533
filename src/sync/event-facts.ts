/** The state of an Event. */

import { load } from '#atomics';
import type { Describe } from '../agents/facts.ts';
import { CELL_STATE } from '../memory/layout.ts';

export const SET_BIT = 1;

export function isUp(state: number): boolean {
  return (state & SET_BIT) !== 0;
}

export const describeEvent: Describe<{ readonly set: boolean }> = (_view, { words, at }) => {
  const set = isUp(load(words, at + CELL_STATE));
  return { holders: [], endedBy: 'anybody', over: set, state: { set } };
};
