/**
 * Left: an agent that does not know a kind of object meets one that died with such an object. It
 * clears up what it knows and leaves the slot to an agent that knows the kind (agents/reaper.ts).
 */

import type { Lock, RLock } from 'lockstep';
import type { Library } from '../library.ts';
import type { Actor, AnyScenario, Scenario, Tools } from '../scenario.ts';
import { critical } from './critical.ts';
import { aLock, anRLock } from './objects.ts';

interface Things {
  lock: Lock;
  unknown: RLock;
}

/** The words that say which actor is inside of which of the two. */
const IN_LOCK = 0;
const IN_UNKNOWN = 1;

/**
 * Does it as a program that lacks RLock. An actor's code runs to its next operation in one go, and
 * all share the list: so it is put back whenever the code is left.
 */
function lacking(lib: Library, act: () => void): void {
  lib.listKinds(lib.KINDS.filter(({ name }) => name !== 'RLock'));
  try {
    act();
  } finally {
    lib.listKinds(lib.KINDS);
  }
}

function passLock(tools: Tools<Things>): void {
  const hold = tools.things.lock.acquireSync();
  critical(tools, hold, IN_LOCK);
  hold.release();
}

/** Holds both: dies with one of each kind in hand. */
const holdsBoth: Actor<Things> = {
  run(tools) {
    const hold = tools.things.unknown.acquireSync();
    critical(tools, hold, IN_UNKNOWN);
    passLock(tools);
    hold.release();
  },
};
const lacks: Actor<Things> = {
  run: (tools) => lacking(tools.lib, () => passLock(tools)),
};
const knows: Actor<Things> = {
  run(tools) {
    const hold = tools.things.unknown.acquireSync();
    critical(tools, hold, IN_UNKNOWN);
    hold.release();
  },
};

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ lock: aLock(share, lib), unknown: anRLock(share, lib) }),
  settled: ({ things: { lock, unknown }, check }) => {
    check(!lock.locked && !unknown.locked, 'a lock is still held');
    lock.acquireSync().release();
    unknown.acquireSync().release();
  },
};

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'one dies with both, one lacks the kind, one waits for it',
    actors: [holdsBoth, { ...lacks, mortal: false }, { ...knows, mortal: false }],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one dies with both, then one that lacks the kind, one waits for it',
    actors: [holdsBoth, lacks, { ...knows, mortal: false }],
    deaths: 2,
    preemptions: [0, 1],
  },
];

export const leftScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
