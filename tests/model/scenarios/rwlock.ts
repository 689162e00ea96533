/** RWLock: a writer alone, readers together, nobody forgotten. */

import type { RWLock } from 'lockstep';
import type { Hold } from '../internals.ts';
import type { Actor, AnyScenario, Scenario, Tools } from '../scenario.ts';
import { anRWLock } from './objects.ts';
import { passing, slow } from './passing.ts';

interface Things {
  lock: RWLock;
}
type Side = 'read' | 'write';

/**
 * The actors inside: 1 a reader, 2 a writer, by actor. A writer that died inside leaves its 2 until
 * another has been inside.
 */
const READS = 1;
const WRITES = 2;

const base = (prefer: 'readers' | 'writers'): Pick<Scenario<Things>, 'things' | 'settled'> => ({
  things: (share, lib) => ({ lock: anRWLock(share, lib, prefer) }),
  settled: ({ things: { lock }, check }) => {
    const { readers, writer } = lock.describe();
    check(readers.length === 0 && writer === null, 'somebody is still inside');
    lock.write.acquireSync().release();
    lock.read.acquireSync().release();
  },
});

function inside(tools: Tools<Things>, side: Side, hold: Hold): void {
  const { me, note, check, isDead, pause } = tools;
  note((ghosts) => {
    let died = false;
    for (let actor = 0; actor < 3; actor++) {
      const other = ghosts[actor]!;
      if (other === 0) continue;
      if (isDead(actor)) {
        died ||= other === WRITES;
        continue;
      }
      check(side === 'read' && other === READS, 'a writer is not alone');
    }
    check(!died || hold.recovered, 'a writer died inside, and the next one is not told');
    ghosts[me] = side === 'read' ? READS : WRITES;
    if (side === 'write') for (let actor = 0; actor < 3; actor++) if (actor !== me) ghosts[actor] = 0;
  });
  pause();
  note((ghosts) => {
    ghosts[me] = 0;
  });
}

const reading = passing<Things>(
  ({ lock }) => lock.read,
  (tools, hold) => inside(tools, 'read', hold),
);
const writing = passing<Things>(
  ({ lock }) => lock.write,
  (tools, hold) => inside(tools, 'write', hold),
);

/** Reads within its write, and continues to read after it. */
const downgrades: Actor<Things> = {
  run(tools) {
    const { lock } = tools.things;
    const write = lock.write.acquireSync();
    inside(tools, 'write', write);
    const read = lock.read.acquireSync();
    write.release();
    inside(tools, 'read', read);
    read.release();
  },
};

const scenarios = (prefer: 'readers' | 'writers'): readonly Scenario<Things>[] =>
  [
    {
      name: 'one reads, one writes, twice each',
      actors: [reading.blocks(2), writing.blocks(2)],
      preemptions: [3, 5] as const,
    },
    { name: 'two write', actors: [writing.blocks(2), writing.blocks()], preemptions: [3, 4] as const },
    {
      name: 'two read, one writes',
      actors: [reading.blocks(), reading.blocks(), writing.blocks()],
      preemptions: [2, 3] as const,
    },
    {
      name: 'one reads, two write',
      actors: [reading.blocks(), writing.blocks(), slow(writing.blocks())],
      preemptions: [2, 3] as const,
    },
    {
      name: 'two write, one gives up, one reads',
      actors: [writing.blocks(), writing.blocksFor, reading.blocks()],
      timeouts: 1,
      preemptions: [2, 3] as const,
    },
    {
      name: 'one reads, one writes, one gives up reading',
      actors: [reading.blocks(), writing.blocks(), reading.blocksFor],
      timeouts: 1,
      preemptions: [2, 3] as const,
    },
    {
      name: 'one tries to read, one reads, one writes',
      actors: [reading.tries, reading.blocks(), writing.blocks()],
      preemptions: [2, 3] as const,
    },
    {
      name: 'one reads, one writes, one dies',
      actors: [reading.blocks(), writing.blocks()],
      deaths: 1,
      preemptions: [2, 3] as const,
    },
    {
      name: 'one reads, two write, one dies',
      actors: [reading.blocks(), writing.blocks(), writing.blocks()],
      deaths: 1,
      preemptions: [1, 2] as const,
    },
    {
      name: 'one reads, one awaits to write',
      actors: [reading.blocks(2), writing.awaits()],
      preemptions: [3, 4] as const,
    },
    {
      name: 'two flows of one, another writes',
      actors: [reading.awaits(2), writing.blocks()],
      preemptions: [2, 3] as const,
    },
    {
      name: 'one writes and goes on reading, others do either',
      actors: [downgrades, writing.blocks(), reading.awaits()],
      preemptions: [2, 3] as const,
    },
  ]
    // Millions of states, and no other code than with the writers first where somebody dies.
    .filter(({ name }) => prefer === 'writers' || name !== 'one reads, two write, one dies')
    .map((scenario) => ({ ...base(prefer), ...scenario, name: `${scenario.name} (${prefer} first)` }));

export const rwlockScenarios: readonly AnyScenario[] = [
  ...scenarios('writers'),
  ...scenarios('readers'),
] as readonly AnyScenario[];
