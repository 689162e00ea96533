/**
 * RLock: its owner enters again; it is free when released as often as taken, or when its owner dies
 * at any depth.
 */

import type { RLock } from 'lockstep';
import type { Actor, AnyScenario, Scenario } from '../scenario.ts';
import { critical } from './critical.ts';
import { anRLock } from './objects.ts';
import { passing } from './passing.ts';

interface Things {
  lock: RLock;
}

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ lock: anRLock(share, lib) }),
  settled: ({ things: { lock }, check }) => {
    check(!lock.locked, 'the lock is still held');
    const hold = lock.acquireSync();
    check(lock.depth === 1, 'a new owner is deep inside at once');
    hold.release();
  },
};

const nests: Actor<Things> = {
  run(tools) {
    const { lock } = tools.things;
    const outer = lock.acquireSync();
    const inner = lock.acquireSync();
    critical(tools, outer);
    tools.check(lock.depth === 2, 'the owner is inside twice');
    inner.release();
    tools.check(lock.owned, 'the lock was freed by the inner release');
    outer.release();
  },
};
const { awaits } = passing<Things>(({ lock }) => lock, critical);
/** Releases what it does not own. */
const intrudes: Actor<Things> = {
  run({ things: { lock }, lib, check }) {
    try {
      lock.release();
      check(false, 'a lock was released by one that does not own it');
    } catch (error) {
      if (!(error instanceof lib.NotOwnerError || error instanceof lib.NotLockedError)) throw error;
    }
  },
};

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'two nest', actors: [nests, nests], preemptions: [4, 5] },
  {
    ...base,
    name: 'two nest, one releases what it does not own',
    actors: [nests, nests, intrudes],
    preemptions: [3, 4],
  },
  { ...base, name: 'one nests, one awaits', actors: [nests, awaits()], preemptions: [4, 5] },
  { ...base, name: 'two nest, one dies', actors: [nests, nests], deaths: 1, preemptions: [3, 4] },
];
export const rlockScenarios: readonly AnyScenario[] = scenarios as AnyScenario[];
