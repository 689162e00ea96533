/** The state of a Lock and an RLock. */

import { load } from '#atomics';
import type { Describe, Holding } from '../../agents/facts.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import {
  DEPTH_WORD,
  isSignal,
  isTolerant,
  notesStacks,
  ownerOf,
  RECOVERED_BIT,
  recoveriesOf,
} from './lock-words.ts';

export const describeLock: Describe = (_view, place) => describe(place, 1);

export const describeRLock: Describe = (_view, place) =>
  // While its owner is taking it, the depth is still the previous one.
  describe(place, Math.max(1, load(place.words, place.at + DEPTH_WORD)));

function describe(place: Parameters<Describe>[1], count: number): ReturnType<Describe> {
  const state = load(place.words, place.at + CELL_STATE);
  const slot = ownerOf(state);
  const holders: Holding[] = slot === 0 ? [] : [{ slot, as: 'owner', count }];
  const tolerant = isTolerant(place);
  return {
    holders,
    endedBy: 'holder',
    over: slot === 0,
    signal: tolerant ? 'allowed' : isSignal(place) ? 'used' : undefined,
    state: {
      recoveries: recoveriesOf(place),
      recovered: (state & RECOVERED_BIT) !== 0,
      ...(tolerant ? { tolerant } : {}),
      ...(notesStacks(place) ? { stacks: true } : {}),
    },
  };
}
