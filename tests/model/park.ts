/**
 * The variant of `src/memory/park.ts` in which actors sleep in the model. Chosen by the import
 * condition `lockstep-model`.
 */

import { CHANGED, machine, OP, TIMED_OUT, WOKEN } from './machine.ts';

type Park = typeof import('#park');

/** Above every timeout of a scenario, in milliseconds. */
const EVER = 1e6;
/**
 * The time that counts as long for a thread: more than the time after which waiters press for their
 * turn.
 */
const LONG = 1;

/**
 * Polls before sleeping are only delay. They may take the object as a newcomer does, and the model
 * tries that without them.
 */
export const MOST_SPINS: Park['MOST_SPINS'] = 0;

export const park: Park['park'] = (_segment, at, expected) => {
  const outcome = machine.operate(OP.PARK, at, expected, 0);
  if (outcome === CHANGED) return 'changed';
  if (outcome === WOKEN) {
    if (machine.slow) machine.clock += LONG;
    return 'woken';
  }
  machine.clock += outcome === TIMED_OUT ? EVER : LONG;
  return 'timeout';
};

/** Sleeps until it is roused; `false` when the interval or the time has passed. */
export function sleepInBerth(slot: number): boolean {
  const outcome = machine.operate(OP.DOZE, slot, 0, 0);
  if (outcome === WOKEN) {
    if (machine.slow) machine.clock += LONG;
    return true;
  }
  machine.clock += outcome === TIMED_OUT ? EVER : LONG;
  return false;
}

export const unpark: Park['unpark'] = (_segment, at) => {
  machine.operate(OP.UNPARK, at, 0, 0);
};

/**
 * No actor is ever found to be alone. The library decides that by handles, and the model has none.
 */
export const resourcesInUse: Park['resourcesInUse'] = () => ['the search'];

export const commonTime: Park['commonTime'] = (time = machine.clock) => Math.floor(time);

export const now: Park['now'] = () => machine.clock;

/** Watching in the background is not modelled; the reaper sees every death. */
export const soon: Park['soon'] = () => {};
export const afterTurn: Park['afterTurn'] = () => {};
