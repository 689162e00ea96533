/**
 * Pool: each task has one outcome and each attempt starts at most once, whichever actor dies. Actor
 * 0 is the pool, the others are its workers. The table, the slots and the rings are the library's
 * own. The pool and its workers use them as `pool/hand-out.ts`, `deaths.ts` and `worker.ts` do,
 * without codec and event loop.
 */

import type { AnyScenario, Ending, Scenario } from '../scenario.ts';
import { ringScenarios } from './pool/own-rings.ts';
import { pool } from './pool/side.ts';
import type { Things } from './pool/things.ts';
import { base, GIVEN_UP, ITEMS, LAST_GENERATION, OUTCOME } from './pool/things.ts';
import { aborts, waitsForAbort, works } from './pool/workers.ts';

/** Each item ran once, but for those that a dead worker had begun. */
function ranOnce(items: number): (ending: Ending<Things>) => void {
  return ({ ghosts, done, dead, check }) => {
    // The pool has left before its workers, so it has stopped handing out tasks.
    if (!done.includes(0) || dead.length > 0) return;
    const ran = Array.from({ length: items }, (_, item) => ghosts[ITEMS + item]);
    check(ran.every((times) => times === 1) || ghosts[OUTCOME] === 0, `items ran ${ran.join()} times`);
  };
}

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'two tasks, two workers',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.submit();
        side.drain();
      }),
      works(2),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'two tasks, two workers, one dies',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.submit();
        side.bury();
      }),
      works(2),
      works(2),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one task, two workers, one dies, the other is slow',
    actors: [
      pool(2, (side) => {
        side.submit();
        side.bury();
        side.submit();
        side.drain();
      }),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'one task, two workers, one dies, the generations at their end',
    actors: [
      pool(
        2,
        (side) => {
          side.submit();
          side.bury();
          side.submit();
          side.drain();
        },
        LAST_GENERATION,
      ),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [0, 2],
  },
  {
    ...base,
    name: 'a result is read before its worker has finished, and the slot used again from generation 0 on',
    actors: [
      pool(
        1,
        (side) => {
          side.submit();
          side.drain();
          side.submit();
          side.drain();
        },
        LAST_GENERATION,
      ),
      works(2),
    ],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'a running task that waits is given up',
    actors: [pool(1, (side) => side.giveUp(side.submit())), waitsForAbort],
    preemptions: [2, 4],
    mayWait: ({ ghosts }) => ghosts[OUTCOME] !== GIVEN_UP,
  },
  {
    ...base,
    name: 'a worker calls process.abort, and another begins in its place',
    actors: [
      pool(1, (side) => {
        side.submit();
        side.pause();
        side.bury();
      }),
      aborts,
    ],
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'a task is given up while it is taken',
    actors: [
      pool(1, (side) => {
        const task = side.submit();
        side.giveUp(task);
        side.submit();
      }),
      works(2),
    ],
    deaths: 1,
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'a task is given up and its worker killed, another waits',
    actors: [
      pool(1, (side) => {
        const task = side.submit();
        side.submit();
        side.giveUp(task);
        side.kill(task);
        side.drain();
      }),
      works(2),
    ],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'more tasks than slots, all given up, one dies',
    actors: [
      pool(2, (side) => {
        for (let n = 0; n < 4; n++) side.giveUp(side.submit());
      }),
      works(1),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  {
    ...base,
    name: 'a chunk is cut while it runs',
    actors: [
      pool(2, (side) => {
        const chunk = side.submit(4, 0);
        side.share(chunk);
        side.drain();
      }),
      works(2),
      works(1),
    ],
    preemptions: [2, 3],
    settled: ranOnce(4),
  },
  {
    ...base,
    name: 'a chunk is cut while the only worker runs it',
    actors: [pool(1, (side) => side.share(side.submit(3, 0))), works(1)],
    preemptions: [3, 5],
    settled: ranOnce(3),
  },
  {
    ...base,
    name: 'a chunk is cut while it runs, one dies',
    actors: [
      pool(2, (side) => {
        const chunk = side.submit(3, 0);
        side.share(chunk);
        side.bury();
      }),
      works(2),
      works(1),
    ],
    deaths: 1,
    preemptions: [1, 2],
  },
  ...ringScenarios,
];

export const poolScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
