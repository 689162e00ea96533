/**
 * Semaphore and BoundedSemaphore: never more inside than there are permits, no permit lost, nobody
 * forgotten.
 */

import type { BoundedSemaphore, Semaphore } from 'lockstep';
import type { Actor, AnyScenario, Ending, Scenario, Tools } from '../scenario.ts';
import { aBoundedSemaphore, aSemaphore, drawLastTickets } from './objects.ts';
import { passing, slow } from './passing.ts';

interface Things {
  semaphore: Semaphore | BoundedSemaphore;
}

/** Ghosts: permits that were taken and added, and how many calls of each actor are inside. */
const TAKEN = 0;
const ADDED = 1;
const INSIDE = 2;

function holding(tools: Tools<Things>, permits: number): void {
  tools.note((ghosts) => {
    ghosts[INSIDE + tools.me]!++;
    const inside = [0, 1, 2].filter((actor) => !tools.isDead(actor)).map((actor) => ghosts[INSIDE + actor]!);
    const sum = inside.reduce((all, one) => all + one);
    tools.check(sum <= permits, 'more are inside than there are permits');
  });
  tools.pause();
  tools.note((ghosts) => {
    ghosts[INSIDE + tools.me]!--;
  });
}

type Base = Pick<Scenario<Things>, 'things' | 'settled'>;

function family(permits: number, bounded: boolean) {
  const base: Base = {
    things: (share, lib) => ({
      semaphore: bounded ? aBoundedSemaphore(share, lib, permits) : aSemaphore(share, lib, permits),
    }),
    settled: (ending) => everythingBack(ending, permits, bounded),
  };
  return {
    base,
    ...passing<Things>(
      ({ semaphore }) => semaphore,
      (tools) => holding(tools, permits),
    ),
  };
}

function everythingBack({ things, check, dead }: Ending<Things>, permits: number, bounded: boolean): void {
  const { semaphore } = things;
  if (dead.length > 0 && !bounded) return;
  check(semaphore.value === permits, `${semaphore.value} permits are left of ${permits}`);
  const holds = Array.from({ length: permits }, () => semaphore.acquireSync());
  check(semaphore.value === 0, 'there are more permits than were given');
  for (const hold of holds) hold.release();
}

function both(bounded: boolean): Scenario<Things>[] {
  const one = family(1, bounded);
  const two = family(2, bounded);
  return [
    {
      ...one.base,
      name: 'two block, twice each',
      actors: [one.blocks(2), one.blocks(2)],
      preemptions: [4, 6],
    },
    {
      ...two.base,
      name: 'three block for two permits',
      actors: [two.blocks(2), two.blocks(), two.blocks()],
      preemptions: [3, 4],
    },
    {
      ...one.base,
      name: 'three block for long',
      actors: [one.blocks(2), slow(one.blocks()), slow(one.blocks())],
      preemptions: [2, 4],
    },
    {
      ...one.base,
      name: 'three block for long, tickets at their end',
      begin: ({ semaphore }) => drawLastTickets(semaphore),
      actors: [one.blocks(2), slow(one.blocks()), slow(one.blocks())],
      preemptions: [2, 3],
    },
    {
      ...one.base,
      name: 'three block, one gives up',
      actors: [one.blocks(), slow(one.blocksFor), slow(one.blocks())],
      timeouts: 1,
      preemptions: [2, 4],
    },
    {
      ...one.base,
      name: 'three block, two look around',
      actors: [one.blocks(), one.blocks(), one.blocks()],
      naps: 2,
      preemptions: [2, 3],
    },
    {
      ...one.base,
      name: 'one blocks, one awaits',
      actors: [one.blocks(2), one.awaits()],
      preemptions: [4, 5],
    },
    {
      ...one.base,
      name: 'two block, two flows of one await',
      actors: [one.blocks(), one.blocks(), one.awaits(2)],
      preemptions: [2, 3],
    },
    {
      ...one.base,
      name: 'two block, one awaits and gives up',
      actors: [one.blocks(), one.awaitsFor, one.blocks()],
      timeouts: 1,
      preemptions: [2, 4],
    },
  ];
}

const boundedOne = family(1, true);
const boundedTwo = family(2, true);
const deaths: Scenario<Things>[] = [
  {
    ...boundedOne.base,
    name: 'two block, one dies',
    actors: [boundedOne.blocks(), boundedOne.blocks()],
    deaths: 1,
    preemptions: [3, 5],
  },
  {
    ...boundedTwo.base,
    name: 'three block for two permits, one dies',
    actors: [boundedTwo.blocks(), boundedTwo.blocks(), boundedTwo.blocks()],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...boundedOne.base,
    name: 'one blocks, one awaits, one dies',
    actors: [boundedOne.blocks(), boundedOne.awaits()],
    deaths: 1,
    preemptions: [3, 4],
  },
  {
    ...boundedOne.base,
    name: 'two block, two die, with the reaper',
    actors: [boundedOne.blocks(), boundedOne.blocks()],
    deaths: 2,
    preemptions: [1, 3],
  },
];

/** One adds permits, the others take them: nobody gives back what it took. */
const signal: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ semaphore: aSemaphore(share, lib, 0) }),
  settled: ({ ghosts, things, check, waiting, dead }) => {
    const left = ghosts[ADDED]! - ghosts[TAKEN]!;
    const { value } = things.semaphore;
    check(value === 0 || waiting.length === 0, 'somebody waits although there is a permit');
    check(value <= left && value >= left - dead.length, `${value} permits are left of ${left}`);
  },
};
const takes: Actor<Things> = {
  run(tools) {
    tools.things.semaphore.acquireSync();
    tools.note((ghosts) => {
      ghosts[TAKEN]!++;
    });
  },
};
const awaitsOne: Actor<Things> = {
  async run(tools) {
    await tools.things.semaphore.acquire();
    tools.note((ghosts) => {
      ghosts[TAKEN]!++;
    });
  },
};
const gives = (...counts: number[]): Actor<Things> => ({
  mortal: false,
  run(tools) {
    for (const count of counts) {
      tools.note((ghosts) => {
        ghosts[ADDED]! += count;
      });
      tools.things.semaphore.release(count);
    }
  },
});
const signals: Scenario<Things>[] = [
  { ...signal, name: 'one gives two permits to two', actors: [gives(2), takes, takes], preemptions: [3, 4] },
  { ...signal, name: 'one gives twice to two', actors: [gives(1, 1), takes, takes], preemptions: [3, 5] },
  {
    ...signal,
    name: 'one gives twice to two, of which one awaits',
    actors: [gives(1, 1), takes, awaitsOne],
    preemptions: [2, 5],
  },
  {
    ...signal,
    name: 'one gives twice to two, one dies',
    actors: [gives(1, 1), takes, takes],
    deaths: 1,
    preemptions: [1, 3],
  },
];

export const semaphoreScenarios: readonly AnyScenario[] = [...both(false), ...signals] as AnyScenario[];
export const boundedScenarios: readonly AnyScenario[] = [...both(true), ...deaths] as AnyScenario[];
