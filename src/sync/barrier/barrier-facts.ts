/** The state of a Barrier. */

import { load } from '#atomics';
import type { Describe } from '../../agents/facts.ts';
import { CELL_BODY, CELL_STATE } from '../../memory/layout.ts';

/** The parameters of the barrier: 11…0 parties. */
export const FACTS_WORD: number = CELL_BODY + 3;
export const SEATS_MASK = 0xfff;
export const GENERATION_SHIFT = 12;
export const GENERATION_MASK = 0xffff;
export const BROKEN_BIT: number = 1 << 28;
export const TRIPPING_BIT: number = 1 << 29;

export function seatsIn(state: number): number {
  return state & SEATS_MASK;
}

export function generationOf(state: number): number {
  return (state >> GENERATION_SHIFT) & GENERATION_MASK;
}

interface BarrierState {
  readonly parties: number;
  readonly arrived: number;
  readonly generation: number;
  readonly broken: boolean;
  readonly [fact: string]: number | boolean;
}

export const describeBarrier: Describe<BarrierState> = (_view, { words, at }) => {
  const state = load(words, at + CELL_STATE);
  return {
    holders: [],
    endedBy: 'anybody',
    state: {
      parties: load(words, at + FACTS_WORD) & SEATS_MASK,
      arrived: seatsIn(state),
      generation: generationOf(state),
      broken: (state & (BROKEN_BIT | TRIPPING_BIT)) === BROKEN_BIT,
    },
  };
};
