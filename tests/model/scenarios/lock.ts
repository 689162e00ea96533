/** Lock: one holder at a time, nobody forgotten. */

import type { Lock } from 'lockstep';
import type { Actor, AnyScenario, Scenario } from '../scenario.ts';
import { critical } from './critical.ts';
import { aLock, drawLastTickets, nameNobody } from './objects.ts';
import { passing, slow } from './passing.ts';

interface Things {
  lock: Lock;
}

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ lock: aLock(share, lib) }),
  settled: ({ things: { lock }, check }) => {
    check(!lock.locked, 'the lock is still held');
    lock.acquireSync().release();
  },
};

const { blocks, blocksFor, awaits, awaitsFor, tries } = passing<Things>(({ lock }) => lock, critical);

/** Awaits, and is aborted in a later turn. */
const isAborted: Actor<Things> = {
  async run(tools) {
    const controller = new AbortController();
    const waiting = tools.things.lock.acquire({ signal: controller.signal });
    setImmediate(() => controller.abort());
    try {
      const hold = await waiting;
      critical(tools, hold);
      hold.release();
    } catch (error) {
      if (error !== controller.signal.reason) throw error;
    }
  },
};

/** Takes it, and leaves it to others to release. */
const takes: Actor<Things> = {
  run({ things: { lock } }) {
    lock.acquireSync();
  },
};
/** Releases it, regardless of its holder. */
const releases: Actor<Things> = {
  run({ things: { lock }, lib }) {
    try {
      lock.release();
    } catch (error) {
      if (!(error instanceof lib.NotLockedError)) throw error;
    }
  },
};
/** Ends its use with the lock in hand: by closing it, or by leaving. */
const ends = (how: 'close' | 'leave'): Actor<Things> => ({
  run({ things: { lock }, agent, pause }) {
    lock.acquireSync();
    pause();
    if (how === 'close') lock.close();
    else agent.leave();
  },
});

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'two block, twice each', actors: [blocks(2), blocks(2)], preemptions: [5, 6] },
  { ...base, name: 'three block', actors: [blocks(), blocks(), blocks()], preemptions: [3, 5] },
  {
    ...base,
    name: 'three block for long',
    actors: [blocks(2), slow(blocks()), slow(blocks())],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'three block for long, tickets at their end',
    begin: ({ lock }) => drawLastTickets(lock),
    actors: [blocks(2), slow(blocks()), slow(blocks())],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'three block, one gives up',
    actors: [blocks(), slow(blocksFor), slow(blocks())],
    timeouts: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'three block, two look around',
    actors: [blocks(2), blocks(), blocks()],
    naps: 2,
    preemptions: [1, 3],
  },
  { ...base, name: 'two block, one dies', actors: [blocks(), blocks()], deaths: 1, preemptions: [4, 5] },
  {
    ...base,
    name: 'two block, two die, with the reaper',
    actors: [blocks(), blocks()],
    deaths: 2,
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'three block, one gives up, one dies',
    actors: [blocks(), blocksFor, blocks()],
    deaths: 1,
    timeouts: 1,
    preemptions: [1, 3],
  },
  { ...base, name: 'one blocks, one awaits', actors: [blocks(2), awaits()], preemptions: [4, 5] },
  { ...base, name: 'two await', actors: [awaits(), awaits()], preemptions: [4, 5] },
  {
    ...base,
    name: 'two block, two flows of one await',
    actors: [blocks(), blocks(), awaits(2)],
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'two block, one awaits and gives up',
    actors: [blocks(), awaitsFor, blocks()],
    timeouts: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'one blocks, two await, one dies',
    actors: [blocks(), awaits(), awaits()],
    deaths: 1,
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'two block, one dies, two look around',
    actors: [blocks(), blocks()],
    deaths: 1,
    naps: 2,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'two block, one awaits and is aborted',
    actors: [blocks(), isAborted, blocks()],
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'one takes, another releases, one blocks',
    actors: [takes, releases, { ...blocks(), mortal: false }],
    preemptions: [4, 5],
    settled: ({ things: { lock } }) => {
      if (lock.locked) lock.release();
      lock.acquireSync().release();
    },
    mayWait: ({ things: { lock } }) => lock.owner?.name === 'Ann',
  },
  {
    ...base,
    name: 'its word names a slot in which nobody sits, one blocks, one tries',
    begin: ({ lock }) => nameNobody(lock),
    actors: [blocks(), tries],
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'its word names a slot in which nobody sits, two try, one dies',
    begin: ({ lock }) => nameNobody(lock),
    actors: [tries, tries],
    deaths: 1,
    preemptions: [3, 4],
    // The last to try may have died before it freed the lock, or while it had the slot's lock.
    settled: ({ things: { lock }, check }) => {
      const hold = lock.tryAcquire();
      check(hold !== null, 'the lock that nobody has is not given to the one that tries');
      hold?.release();
    },
  },
  {
    ...base,
    name: 'one closes it while it holds it',
    actors: [ends('close'), blocks(), awaits()],
    preemptions: [2, 4],
  },
  { ...base, name: 'one leaves with it', actors: [ends('leave'), blocks(), awaits()], preemptions: [2, 4] },
];

export const lockScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
