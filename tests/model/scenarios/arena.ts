/**
 * Arena: an open object is never freed, an object that nobody has open does not stay. A stale
 * handle opens nothing and harms nothing.
 */

import type { BoundedSemaphore } from 'lockstep';
import { load, store } from '../atomics.ts';
import type { Cell, Namespace, Place } from '../internals.ts';
import { CELL_GENERATION, CELL_HEADER, PHASE_LIVE, phaseOf } from '../internals.ts';
import type { Actor, AnyScenario, Scenario, Tools } from '../scenario.ts';
import { NAMESPACE } from '../world.ts';

type Things = null;

/** Ghosts: cell and generation of each object that was made, as its handle would tell them. */
const HANDLES = 0;

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: () => null,
  settled({ namespace, check }) {
    for (let cell = 1; cell <= namespace.arena.bump; cell++) {
      const { words, at } = namespace.arena.place(cell);
      check(
        phaseOf(load(words, at + CELL_HEADER)) === 0,
        `cell ${cell} is not free though nobody has it open`,
      );
    }
  },
};

/** The first object in cell 1 has the last generation, and the second the first one. */
function lastGenerations({ arena }: Namespace): void {
  const { words, at } = arena.place(1);
  store(words, at + CELL_GENERATION, 0x7ffffffe);
}

function make({ agent, lib, note }: Tools<Things>, index: number): Cell {
  const cell = agent.create(lib.kindNamed('Lock')!, () => {});
  note((ghosts) => {
    ghosts[HANDLES + 2 * index] = cell.number;
    ghosts[HANDLES + 2 * index + 1] = cell.generation;
  });
  return cell;
}

/** Opens the object as its handle says, if it was made by now. */
function openStale({ agent, lib, pause, look }: Tools<Things>, index: number): Cell | undefined {
  pause();
  const number = look((ghosts) => ghosts[HANDLES + 2 * index]!);
  const generation = look((ghosts) => ghosts[HANDLES + 2 * index + 1]!);
  return number === 0 ? undefined : agent.open(lib.kindNamed('Lock')!, number, generation);
}

function use(tools: Tools<Things>, cell: Cell | undefined): void {
  if (cell === undefined) return;
  tools.pause();
  checkLives(tools, cell, cell.generation);
  tools.agent.closeCell(cell);
}

/** To an agent that closes it meanwhile it may look, for a moment, as if it were ending. */
function checkLives({ check }: Tools<Things>, { words, at }: Place, generation: number): void {
  check(phaseOf(load(words, at + CELL_HEADER)) >= PHASE_LIVE, 'an open object was freed');
  check(load(words, at + CELL_GENERATION) === generation, 'an open object was replaced');
}

const makesAndCloses = (objects: number): Actor<Things> => ({
  run(tools) {
    for (let index = 0; index < objects; index++) use(tools, make(tools, index));
  },
});
const opens = (index: number): Actor<Things> => ({
  run(tools) {
    use(tools, openStale(tools, index));
  },
});

/** Permits that need two cells. */
const PERMITS = 13;
const makesSemaphore: Actor<Things> = {
  run(tools) {
    const { agent, lib, check } = tools;
    const locks = [make(tools, 0), make(tools, 1), make(tools, 2)];
    for (const lock of locks) agent.closeCell(lock);
    const semaphore: BoundedSemaphore = new lib.BoundedSemaphore(PERMITS, { namespace: NAMESPACE });
    const holds = Array.from({ length: 2 }, () => semaphore.acquireSync());
    check(semaphore.limit === PERMITS, `the semaphore has ${semaphore.limit} permits`);
    for (const hold of holds) hold.release();
    semaphore.close();
  },
};

/** More waits than an agent's slot has room for. */
const MANY = 18;
const waitsMuch: Actor<Things> = {
  run(tools) {
    const { agent } = tools;
    const cell = make(tools, 0);
    const entries = Array.from({ length: MANY }, (_, ticket) =>
      agent.table.fill(cell.number, ticket, 1, 0, 0),
    );
    for (const entry of entries) agent.table.empty(entry);
    agent.closeCell(cell);
  },
};

const scenarios: readonly Scenario<Things>[] = [
  {
    ...base,
    name: 'one makes and closes, one opens',
    actors: [makesAndCloses(1), opens(0)],
    preemptions: [5, 6],
  },
  {
    ...base,
    name: 'one makes and closes, two open',
    actors: [makesAndCloses(1), opens(0), opens(0)],
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'a cell is used again, two open',
    actors: [makesAndCloses(2), opens(0), opens(1)],
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'a cell is used again, two open, generations at their end',
    begin: (_things, namespace) => lastGenerations(namespace),
    actors: [makesAndCloses(2), opens(0), opens(1)],
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one makes and closes, one opens, one dies',
    actors: [makesAndCloses(1), opens(0)],
    deaths: 1,
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'a cell is used again, two open, one dies',
    actors: [makesAndCloses(2), opens(0), opens(1)],
    deaths: 1,
    preemptions: [2, 3],
  },
  {
    ...base,
    name: 'one makes and closes, one opens, two die',
    actors: [makesAndCloses(1), opens(0)],
    deaths: 2,
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'a cell is used again for permits, one opens',
    actors: [makesSemaphore, opens(0)],
    preemptions: [4, 5],
  },
  {
    // Their cells stay with the agent until it leaves.
    things: base.things,
    name: 'further wait entries are made and freed, two die',
    actors: [waitsMuch],
    deaths: 2,
    preemptions: [1, 3],
  },
  {
    ...base,
    name: 'permits are made and freed, one dies',
    actors: [makesSemaphore],
    deaths: 1,
    preemptions: [4, 5],
  },
  {
    ...base,
    name: 'permits are made and freed, two die',
    actors: [makesSemaphore],
    deaths: 2,
    preemptions: [2, 4],
  },
];
export const arenaScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
