/**
 * Deadlock: exactly one agent of a circle of waits gets a DeadlockError, and no other agent ever
 * does.
 */

import type { Lock, RLock } from 'lockstep';
import type { Actor, AnyScenario, Scenario, Tools } from '../scenario.ts';
import { aLock, anRLock } from './objects.ts';

interface Things {
  a: Lock;
  b: RLock;
  c: Lock;
}

type Name = keyof Things;

/** How many agents got a DeadlockError. */
const TOLD = 0;
/** From here on, by actor: 1 while it holds its first lock and wants the second. */
const WANTS = 1;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ a: aLock(share, lib), b: anRLock(share, lib), c: aLock(share, lib) }),
  settled: ({ things, check }) => {
    for (const [name, lock] of Object.entries(things)) {
      check(!lock.locked, `${name} is still held`);
      lock.acquireSync().release();
    }
  },
};

/**
 * Blocks for `inner` with `outer` in hand. `others`: how many more are needed to close a circle; 0:
 * there is none.
 */
function blocks(outer: Name, inner: Name, others: number): Actor<Things> {
  return {
    run(tools) {
      const hold = tools.things[outer].acquireSync();
      try {
        wants(tools, 1);
        tools.things[inner].acquireSync().release();
      } catch (error) {
        isTold(tools, error, others);
      }
      wants(tools, 0);
      hold.release();
    },
  };
}

/** The same in runs, which await. */
function awaits(outer: Name, inner: Name, others: number): Actor<Things> {
  return {
    async run(tools) {
      await tools.things[outer].run(async () => {
        try {
          wants(tools, 1);
          await tools.things[inner].run(() => {});
        } catch (error) {
          isTold(tools, error, others);
        }
        wants(tools, 0);
      });
    },
  };
}

function wants(tools: Tools<Things>, flag: 0 | 1): void {
  tools.note((ghosts) => {
    ghosts[WANTS + tools.me] = flag;
  });
}

function isTold(tools: Tools<Things>, error: unknown, others: number): void {
  if (!(error instanceof tools.lib.DeadlockError)) throw error;
  tools.check(others > 0, 'a deadlock is told where there is none');
  tools.note((ghosts) => {
    ghosts[TOLD]!++;
    tools.check(ghosts[TOLD] === 1, 'two are told of one deadlock');
    let wanting = 0;
    for (let actor = 0; actor <= others; actor++) wanting += ghosts[WANTS + actor]!;
    tools.check(wanting === others + 1, 'a deadlock is told, and somebody of it is not waiting');
  });
}

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'two block in opposite orders',
    actors: [blocks('a', 'b', 1), blocks('b', 'a', 1)],
    preemptions: [3, 5],
  },
  {
    ...base,
    name: 'three block in a ring',
    actors: [blocks('a', 'b', 2), blocks('b', 'c', 2), blocks('c', 'a', 2)],
    preemptions: [2, 4],
  },
  {
    ...base,
    name: 'two block in opposite orders, one dies',
    actors: [blocks('a', 'b', 1), blocks('b', 'a', 1)],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one blocks and one awaits in opposite orders',
    actors: [blocks('a', 'b', 1), awaits('b', 'a', 1)],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'two await in opposite orders',
    actors: [awaits('a', 'b', 1), awaits('b', 'a', 1)],
    preemptions: [3, 4],
  },
  {
    ...base,
    name: 'three take them in one order',
    actors: [blocks('a', 'b', 0), blocks('b', 'c', 0), awaits('a', 'c', 0)],
    preemptions: [3, 4],
  },
];

export const deadlockScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
