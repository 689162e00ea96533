/** Pool: workers that fall asleep while tasks are put, and workers with a ring of their own. */

import type { Scenario } from '../../scenario.ts';
import { PoolSide, pool } from './side.ts';
import type { Things } from './things.ts';
import { ASLEEP, base, WOKEN } from './things.ts';
import { sleeps, sleepsWithOwn, works } from './workers.ts';

export const ringScenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'workers fall asleep while tasks are put',
    actors: [
      {
        mortal: false,
        run(tools) {
          const side = new PoolSide(tools, 2, 0);
          side.submit();
          side.submit();
        },
      },
      sleeps,
      sleeps,
    ],
    preemptions: [2, 3],
    settled({ things: { ring }, ghosts, check }) {
      // A worker that was woken takes all there is.
      check(ring.empty || (ghosts[ASLEEP]! & ghosts[WOKEN]!) !== 0, 'all sleep, and there is an item');
    },
  },
  {
    ...base,
    name: 'two tasks in the own ring of a worker, which dies',
    actors: [
      pool(2, (side) => {
        side.submit(0, 0, 1);
        side.submit(0, 0, 1);
        side.bury();
      }),
      works(2, true),
      works(2),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'two tasks in the own ring of a worker, which retires',
    actors: [
      pool(2, (side) => {
        side.submit(0, 0, 1);
        side.submit(0, 0, 1);
        side.retire(1);
        side.submit();
        side.drain();
      }),
      works(2, true),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'a task in an own ring is given up while it is taken',
    actors: [
      pool(1, (side) => {
        const task = side.submit(0, 0, 1);
        side.giveUp(task);
        side.submit();
      }),
      works(2, true),
    ],
    deaths: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'a worker falls asleep while a task is put into its own ring',
    actors: [
      {
        mortal: false,
        run(tools) {
          const side = new PoolSide(tools, 1, 0);
          side.submit(0, 0, 1);
          side.submit(0, 0, 1);
        },
      },
      sleepsWithOwn,
    ],
    preemptions: [3, 5],
    settled({ things: { own }, ghosts, check }) {
      check(own[1]!.empty || (ghosts[ASLEEP]! & ghosts[WOKEN]!) !== 0, 'it sleeps, and there is an item');
    },
  },
];
