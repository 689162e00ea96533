/** The state of an RWLock. */

import { load } from '#atomics';
import type { Describe, Holding } from '../../agents/facts.ts';
import { AGENT_SLOTS, CELL_BODY, CELL_STATE } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { NamespaceView } from '../../namespaces/view.ts';
import { eachExtraWord } from '../../objects/extra-words.ts';
import { ownerOf } from '../lock/lock-words.ts';

export const MARKS_WORD: number = CELL_BODY + 2;
export const READERS_FIRST_BIT = 1;
/** Words with a bit for each agent. */
export const READER_WORDS: number = AGENT_SLOTS / 32;
export const PENDING_BIT: number = 1 << 26;

/**
 * A writer that is PENDING waits for the readers, and keeps newcomers out: it holds the lock
 * against them.
 */
export const describeRWLock: Describe<{ readonly readers: number; readonly pending: boolean }> = (
  view,
  place,
) => {
  const state = load(place.words, place.at + CELL_STATE);
  const writer = ownerOf(state);
  const pending = writer !== 0 && (state & PENDING_BIT) !== 0;
  const readers = readersOf(view, place);
  const holders: Holding[] = readers.map((slot) => ({ slot, as: 'reader', count: 1 }));
  if (writer !== 0) holders.push({ slot: writer, as: 'writer', count: 1 });
  const readersFirst = (load(place.words, place.at + MARKS_WORD) & READERS_FIRST_BIT) !== 0;
  return {
    holders,
    endedBy: 'every holder',
    over: holders.length === 0,
    state: { readers: readers.length, pending, ...(readersFirst ? { readersFirst } : {}) },
  };
};

/** Slots of the agents that read. */
export function readersOf(view: NamespaceView, place: Place): number[] {
  const slots: number[] = [];
  let word = 0;
  eachExtraWord(view, place, READER_WORDS, ({ words, at }) => {
    // Each set bit is the slot of a reader, from the lowest bit up.
    for (let bits = load(words, at); bits !== 0; ) {
      const bit = bits & -bits;
      bits ^= bit;
      slots.push(word * 32 + 31 - Math.clz32(bit));
    }
    word++;
  });
  return slots;
}
