/**
 * Threads that both block and await. A ring for an awaiting call is not spent on an event loop that
 * can't run.
 */

import type { Lock, Semaphore } from 'lockstep';
import type { Actor, AnyScenario, Scenario } from '../scenario.ts';
import { critical } from './critical.ts';
import { aLock, aSemaphore } from './objects.ts';
import { passing } from './passing.ts';

interface Things {
  lock: Lock;
  gate: Semaphore;
}

const base: Pick<Scenario<Things>, 'things' | 'settled' | 'mayWait'> = {
  things: (share, lib) => ({ lock: aLock(share, lib), gate: aSemaphore(share, lib, 0) }),
  /**
   * A call of Bob's that has the lock can't go on while his thread is blocked: that is his own
   * doing.
   */
  mayWait: ({ things: { lock } }) => lock.owner?.name === 'Bob',
  settled({ things: { lock, gate }, check, dead, waiting }) {
    if (waiting.length > 0) return;
    check(!lock.locked, 'the lock is still held');
    lock.acquireSync().release();
    check(dead.length > 0 || gate.value === 0, 'the gate is open');
  },
};

const { block, blocks, flow } = passing<Things>(({ lock }) => lock, critical);

/** Has the lock for a while, then opens the gate. */
const opens: Actor<Things> = {
  run(tools) {
    block(tools);
    tools.things.gate.release();
  },
};
/**
 * Awaits the lock, and blocks at the gate meanwhile: at once, or in a later turn of its event loop.
 */
const both = (later: boolean): Actor<Things> => ({
  async run(tools) {
    const flowing = flow(tools);
    if (later) await new Promise(setImmediate);
    tools.things.gate.acquireSync();
    await flowing;
  },
});
/**
 * Awaits the lock, and blocks for the same lock meanwhile: if the call that awaits has got it, that
 * would be forever.
 */
const twice: Actor<Things> = {
  async run(tools) {
    const flowing = flow(tools);
    try {
      block(tools);
    } catch (error) {
      if (!(error instanceof tools.lib.DeadlockError)) throw error;
      tools.check(tools.things.lock.owner?.name === 'Bob', 'a deadlock is told where there is none');
    }
    await flowing;
  },
};

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'one blocks elsewhere while it awaits the lock',
    actors: [blocks(), both(false), opens],
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'one awaits the lock, and blocks elsewhere later',
    actors: [blocks(), both(true), opens],
    preemptions: [2, 4],
  },
  { ...base, name: 'one blocks and awaits the same lock', actors: [blocks(), twice], preemptions: [4, 5] },
];
export const threadScenarios: readonly AnyScenario[] = scenarios as AnyScenario[];
