/**
 * Barrier: rounds never mix, each place is given once a round, a round that breaks breaks for all.
 */

import type { Barrier } from 'lockstep';
import type { Actor, AnyScenario, Ending, Scenario, Tools } from '../scenario.ts';
import { aBarrier } from './objects.ts';

interface Things {
  barrier: Barrier;
}

/**
 * Ghosts: for each round the places that were given, who has come, and how often the action was
 * run.
 */
const PLACES = 0;
const COME = 4;
const ACTIONS = 8;

const things =
  (parties: number): Scenario<Things>['things'] =>
  (share, lib) => ({ barrier: aBarrier(share, lib, parties) });

function settled({ things: { barrier }, check }: Ending<Things>): void {
  barrier.reset();
  check(!barrier.broken && barrier.nWaiting === 0, 'a barrier is not new after reset');
}

function comes({ note, me }: Tools<Things>, round: number): void {
  note((ghosts) => {
    ghosts[COME + round]! |= 1 << me;
  });
}

function passes({ note, check }: Tools<Things>, round: number, place: number, parties: number): void {
  note((ghosts) => {
    const come = ghosts[COME + round]!;
    check(bits(come) === parties, `round ${round} was passed before all had come`);
    check((ghosts[PLACES + round]! & (1 << place)) === 0, `place ${place} was given twice`);
    check(place >= 0 && place < parties, `there is no place ${place}`);
    ghosts[PLACES + round]! |= 1 << place;
  });
}

function bits(set: number): number {
  let count = 0;
  for (let left = set; left !== 0; left &= left - 1) count++;
  return count;
}

const meets = (parties: number, rounds: number): Actor<Things> => ({
  run(tools) {
    for (let round = 0; round < rounds; round++) {
      comes(tools, round);
      passes(tools, round, tools.things.barrier.waitSync(), parties);
    }
  },
});
const awaits = (parties: number, rounds: number): Actor<Things> => ({
  async run(tools) {
    for (let round = 0; round < rounds; round++) {
      comes(tools, round);
      passes(tools, round, await tools.things.barrier.wait(), parties);
    }
  },
});

/** Once, with an action; every party finds that it was run. */
const acts = (parties: number, rounds: number): Actor<Things> => ({
  run(tools) {
    const { things, note, check, pause } = tools;
    let round = 0;
    const action = (): void => {
      pause();
      note((ghosts) => {
        ghosts[ACTIONS + round]!++;
      });
    };
    Object.assign(things.barrier, { action });
    for (; round < rounds; round++) {
      comes(tools, round);
      const place = things.barrier.waitSync();
      passes(tools, round, place, parties);
      note((ghosts) => check(ghosts[ACTIONS + round] === 1, 'the action was not run exactly once'));
    }
  },
});

/**
 * Whatever becomes of the round: it is the same for all (bit 0 passed, bit 1 broken), unless
 * somebody breaks the barrier later.
 */
const FATES = 12;
const mayBreak = (timed: boolean, round = 0): Actor<Things> => ({
  timed,
  run(tools) {
    const { lib, things, note } = tools;
    comes(tools, round);
    let passed = true;
    try {
      things.barrier.waitSync(timed ? { timeout: 100 } : {});
    } catch (error) {
      if (!(error instanceof lib.BrokenBarrierError)) throw error;
      passed = false;
    }
    note((ghosts) => {
      ghosts[FATES + round]! |= passed ? 1 : 2;
      tools.check(ghosts[FATES + round] !== 3, 'the round was passed by some and broken for others');
    });
  },
});

/**
 * Waits again and again, in whatever round; notes how each wait has ended by the number of resets
 * before and after it.
 */
const resets: Actor<Things> = {
  run({ things: { barrier } }) {
    barrier.reset();
  },
};
/** Ghosts: how often each actor has passed. */
const PASSED = 16;
/** Waits as often as that, for one who may not come; makes a broken barrier new. */
const meetsBroken = (waits: number, timed: boolean): Actor<Things> => ({
  timed,
  run({ lib, things: { barrier }, note, me }) {
    for (let wait = 0; wait < waits; wait++) {
      try {
        barrier.waitSync(timed ? { timeout: 100 } : {});
        note((ghosts) => {
          ghosts[PASSED + me]!++;
        });
      } catch (error) {
        if (!(error instanceof lib.BrokenBarrierError)) throw error;
        barrier.reset();
      }
    }
  },
});

/** Nobody passes alone: Ann and Cyd have passed together, or not at all. */
function passedTogether({ ghosts, check, waiting, things: { barrier } }: Ending<Things>): boolean {
  check(ghosts[PASSED] === ghosts[PASSED + 2], 'a party passed a round that was broken');
  return !barrier.broken && barrier.nWaiting === waiting.length;
}

/** The same with an action, in which the party may die. */
const mayBreakActing: Actor<Things> = {
  run(tools) {
    const { things, pause } = tools;
    Object.assign(things.barrier, { action: pause });
    return mayBreak(false).run(tools);
  },
};

/**
 * Waits, and if a reset ends that round, at once again: that wait belongs to a round that nobody
 * breaks.
 */
const comesAgain: Actor<Things> = {
  run({ lib, things: { barrier }, check }) {
    for (let told = 0; ; told++) {
      try {
        barrier.waitSync();
        return;
      } catch (error) {
        if (!(error instanceof lib.BrokenBarrierError)) throw error;
        check(told === 0, 'who was freed by the reset found the new round broken');
      }
    }
  },
};
const resetsAndMeets: Actor<Things> = {
  mortal: false,
  run({ things: { barrier } }) {
    barrier.reset();
    barrier.waitSync();
  },
};

/** Ghost: the action has begun, with all parties of its round seated. */
const BEGUN = 20;
/** Two of these pass, regardless of later parties. */
const actsUndisturbed: Actor<Things> = {
  run({ things, pause, note, me }) {
    const action = (): void => {
      note((ghosts) => {
        ghosts[BEGUN] = 1;
      });
      pause();
    };
    Object.assign(things.barrier, { action });
    things.barrier.waitSync();
    note((ghosts) => {
      ghosts[PASSED + me]!++;
    });
  },
};
/** Comes when the action has begun, and gives up at some time. */
const comesEarly: Actor<Things> = {
  timed: true,
  run({ lib, things: { barrier }, look, check, note }) {
    if (look((ghosts) => ghosts[BEGUN]!) === 0) return;
    try {
      barrier.waitSync({ timeout: 100 });
      note(() => check(false, 'a party passed alone'));
    } catch (error) {
      if (!(error instanceof lib.BrokenBarrierError)) throw error;
      note(() => check(barrier.broken, 'a party gave up, and the next round does not show it'));
    }
  },
};

/** The two of the round have passed. */
function undisturbed({ ghosts, check, waiting, things: { barrier } }: Ending<Things>): boolean {
  check(ghosts[PASSED] === 1 && ghosts[PASSED + 1] === 1, 'a round was disturbed by one who came later');
  return barrier.nWaiting === waiting.length;
}

const two = { things: things(2), settled };
const three = { things: things(3), settled };
const scenarios: readonly Scenario<Things>[] = [
  { ...two, name: 'two meet twice', actors: [meets(2, 2), meets(2, 2)], preemptions: [4, 6] },
  {
    ...three,
    name: 'three meet twice',
    actors: [meets(3, 2), meets(3, 2), meets(3, 2)],
    preemptions: [2, 3],
  },
  {
    ...three,
    name: 'three meet, of which one awaits',
    actors: [meets(3, 1), meets(3, 1), awaits(3, 1)],
    preemptions: [2, 4],
  },
  { ...two, name: 'two meet twice, with an action', actors: [acts(2, 2), acts(2, 2)], preemptions: [4, 5] },
  {
    ...two,
    name: 'two meet, one gives up',
    actors: [mayBreak(true), mayBreak(false)],
    timeouts: 1,
    preemptions: [5, 6],
  },
  {
    ...three,
    name: 'three meet, one gives up',
    actors: [mayBreak(true), mayBreak(false), mayBreak(false)],
    timeouts: 1,
    preemptions: [2, 4],
  },
  {
    ...two,
    name: 'two meet, one dies',
    actors: [mayBreak(false), mayBreak(false)],
    deaths: 1,
    preemptions: [3, 5],
    mayWait: oneDied,
  },
  {
    ...two,
    name: 'two meet with an action, one dies',
    actors: [mayBreakActing, mayBreakActing],
    deaths: 1,
    preemptions: [2, 4],
    mayWait: oneDied,
  },
  {
    ...three,
    name: 'three meet, one dies',
    actors: [mayBreak(false), mayBreak(false), mayBreak(false)],
    deaths: 1,
    preemptions: [1, 3],
    mayWait: oneDied,
  },
  {
    ...two,
    name: 'two meet, one gives up and tries again, another resets',
    actors: [meetsBroken(2, true), resets, meetsBroken(1, false)],
    mayWait: passedTogether,
    timeouts: 2,
    preemptions: [1, 3],
  },
  {
    ...two,
    name: 'one is freed by a reset and comes again at once',
    actors: [comesAgain, resetsAndMeets],
    preemptions: [4, 5],
  },
  {
    ...two,
    name: 'one waits, another resets and dies',
    actors: [{ ...mayBreak(false), mortal: false }, resets],
    deaths: 1,
    mayWait: unlessReset,
    preemptions: [4, 5],
  },
  {
    ...two,
    name: 'two meet with an action, another resets',
    actors: [mayBreakActing, mayBreakActing, resets],
    preemptions: [3, 4],
    mayWait: unlessReset,
  },
  {
    ...two,
    name: 'two meet with an action, one comes early and gives up',
    actors: [actsUndisturbed, actsUndisturbed, comesEarly],
    timeouts: 1,
    preemptions: [2, 3],
    mayWait: undisturbed,
    settled: (ending) => {
      undisturbed(ending);
      settled(ending);
    },
  },
];

/** A waiting party sits in a round that nobody has ended. */
function unlessReset({ waiting, things: { barrier } }: Ending<Things>): boolean {
  return !barrier.broken && barrier.nWaiting === waiting.length;
}

/** A party that died before it came is waited for; one that died in its seat is not. */
function oneDied({ dead, waiting, things: { barrier } }: Ending<Things>): boolean {
  return dead.length > 0 && !barrier.broken && barrier.nWaiting === waiting.length;
}

export const barrierScenarios: readonly AnyScenario[] = scenarios as AnyScenario[];
