/** Latch: waiters go through when the count is 0, and not before. */

import type { Latch } from 'lockstep';
import type { Actor, AnyScenario, Scenario } from '../scenario.ts';
import { aLatch } from './objects.ts';

interface Things {
  latch: Latch;
}

/** How often it was counted down; noted before. */
const COUNTED = 0;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ latch: aLatch(share, lib, 2) }),
  settled: ({ things: { latch }, check, dead }) => {
    check(dead.length > 0 || latch.count === 0, 'it was counted down, and is not open');
    latch.countDown(2);
    check(latch.waitSync(), 'an open latch is waited for');
  },
};

const counts = (times: number): Actor<Things> => ({
  run({ things: { latch }, note }) {
    for (let time = 0; time < times; time++) {
      note((ghosts) => {
        ghosts[COUNTED]!++;
      });
      latch.countDown();
    }
  },
});
const waits: Actor<Things> = {
  run({ things: { latch }, look, check }) {
    check(latch.waitSync(), 'the wait came to nothing');
    check(look((ghosts) => ghosts[COUNTED]!) >= 2, 'it opened too early');
  },
};
const waitsFor: Actor<Things> = {
  timed: true,
  run({ things: { latch } }) {
    latch.waitSync({ timeout: 100 });
  },
};
const awaits: Actor<Things> = {
  async run({ things: { latch }, look, check }) {
    for (const open of await Promise.all([latch.wait(), latch.wait()]))
      check(open, 'the wait came to nothing');
    check(look((ghosts) => ghosts[COUNTED]!) >= 2, 'it opened too early');
  },
};

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'two count down, one waits', actors: [counts(1), counts(1), waits], preemptions: [3, 4] },
  { ...base, name: 'one counts down, two wait', actors: [counts(2), waits, waits], preemptions: [3, 4] },
  {
    ...base,
    name: 'one counts down, one waits, one awaits',
    actors: [counts(2), waits, awaits],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'two count down, one gives up',
    actors: [counts(1), counts(1), waitsFor],
    timeouts: 1,
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'two count down, one waits, one dies',
    actors: [counts(1), counts(1), waits],
    deaths: 1,
    preemptions: [2, 3],
    mayWait: ({ things: { latch }, dead }) => latch.count > 0 && dead.some((actor) => actor < 2),
  },
];

export const latchScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
