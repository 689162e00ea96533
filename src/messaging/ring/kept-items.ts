/**
 * Kept items: the objects that the items in a ring name, for agents that end objects, and the ring
 * itself (agents/kept.ts).
 */

import { load, setBits } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { RingOfKind } from '../../agents/kinds.ts';
import { LockstepError } from '../../errors.ts';
import { CELL_GENERATION, CELL_STATE } from '../../memory/layout.ts';
import type { Named, Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { readNames } from './item-names.ts';
import { Ring } from './ring.ts';
import { RING_HEADER_WORDS } from './ring-words.ts';

/**
 * In the state word of the ring's cell: an item with shared objects was put in. Others need not
 * look into it.
 */
const CARRIED_BIT: number = 1 << 28;

/** Notes, with the lock to put, that an item with shared objects is going to be put in. */
export function noteCarried({ words, at }: Cell): void {
  if ((load(words, at + CELL_STATE) & CARRIED_BIT) === 0) setBits(words, at + CELL_STATE, CARRIED_BIT);
}

/** The facts about the rings that kinds have in their data. */
export const ringOfKind: RingOfKind = {
  empty: (namespace, place, begin) => withRing(namespace, place, (ring) => emptyRing(ring, begin)),
  names: (namespace, place) => withRing(namespace, place, namesInRing),
};

/**
 * Takes all items out of a ring that no agent has open. Returns the objects that they name, or
 * `undefined` if those can't be read.
 */
export function emptyRing(ring: Ring, begin: () => void): Named[] | undefined {
  const all: Named[] = [];
  for (let found = ring.find(); found !== undefined; found = ring.find()) {
    const { head, next, from, length, carries } = found;
    if (carries) {
      // Collect the names, then remove the item.
      const list = readNames(ring, from, length);
      if (list === undefined) return undefined;
      if (all.length === 0 && list.names.length > 0) begin();
      for (const named of list.names) all.push(named);
    }
    ring.take(head, next);
  }
  return all;
}

/**
 * The cells that the items in the ring name, while others put and take; `undefined` where that
 * can't be read.
 */
export function namesInRing(ring: Ring): Named[] | undefined {
  const all: Named[] = [];
  let readable = true;
  const sound = ring.eachCarrying((from, length) => {
    const list = readNames(ring, from, length);
    return () => {
      readable &&= list !== undefined;
      for (const named of list?.names ?? []) all.push(named);
    };
  });
  return sound && readable ? all : undefined;
}

function withRing(
  namespace: Namespace,
  place: Place,
  act: (ring: Ring) => Named[] | undefined,
): Named[] | undefined {
  const { number, words, at } = place;
  if ((load(words, at + CELL_STATE) & CARRIED_BIT) === 0) return [];
  const generation = load(words, at + CELL_GENERATION);
  try {
    const { buffer } = namespace.mapAllData({ number, generation }, RING_HEADER_WORDS * 4);
    return act(new Ring(new Int32Array(buffer), 0, 'ring'));
  } catch (error) {
    // Damaged, gone, or no descriptor is left to look with: all the caller needs to know is that it
    // is not known.
    if (error instanceof LockstepError || (error as NodeJS.ErrnoException).code !== undefined)
      return undefined;
    throw error;
  }
}
