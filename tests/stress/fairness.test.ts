/** How what many want at once is shared out among them: see docs/guide/fairness.md. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Barrier, BoundedSemaphore, Lock, Process, RLock, Semaphore, Thread } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import { type Child, Company } from '../support/members/company.ts';
import { freeze, thaw } from '../support/processes.ts';
import { HANG_MS, until } from '../support/until.ts';
import { word, words } from '../support/words.ts';
import { type Contest, competes } from './competitor.ts';

const COMPETITORS = 8;
const ENOUGH = 10_000;
/** Microseconds. */
const WORK = 25;

interface Mix {
  name: string;
  /** How competitor `n` takes part: from the first again when they end. */
  parts: readonly { kind: typeof Process | typeof Thread; style: Style }[];
}

const MIXES: readonly Mix[] = [
  { name: 'processes that block', parts: [{ kind: Process, style: 'blocking' }] },
  { name: 'processes that await', parts: [{ kind: Process, style: 'awaiting' }] },
  { name: 'threads that block', parts: [{ kind: Thread, style: 'blocking' }] },
  {
    name: 'processes and threads that block or await',
    parts: [
      { kind: Process, style: 'blocking' },
      { kind: Process, style: 'awaiting' },
      { kind: Thread, style: 'blocking' },
      { kind: Thread, style: 'awaiting' },
    ],
  },
];

const OBJECTS = [
  { name: 'a Lock', make: () => new Lock() },
  { name: 'a Semaphore of one', make: () => new Semaphore(1) },
];
/** They share out by the code of those above: all mixes of these are for `npm run test:deep`. */
const ALIKE = [
  { name: 'an RLock', make: () => new RLock() },
  { name: 'a BoundedSemaphore of one', make: () => new BoundedSemaphore(1) },
];
const IS_DEEP = process.env.LOCKSTEP_MODEL === 'deep';

describe('when eight compete', { timeout: HANG_MS }, () => {
  for (const { name, make } of OBJECTS) {
    for (const mix of MIXES) isShared(name, make, mix);
    isSharedAfterStop(name, make);
  }
  for (const { name, make } of ALIKE) {
    for (const mix of IS_DEEP ? MIXES : MIXES.slice(-1)) isShared(name, make, mix);
    if (IS_DEEP) isSharedAfterStop(name, make);
  }
});

type Make = () => Lock | RLock | Semaphore | BoundedSemaphore;

function isShared(what: string, make: Make, { name, parts }: Mix): void {
  it(`${what} comes to none of ${name} more than twice as often as to another`, async (test) => {
    const compete = async (contest: Contest): Promise<void> => {
      const object = make();
      const competitors = new Company<Child>(COMPETITORS, (me) => {
        const { kind, style } = parts[me % parts.length] ?? { kind: Process, style: 'blocking' };
        return new kind({ target: competes, args: [object, contest, me, style] });
      });
      await competitors.results();
      object.close();
    };
    await assertFair(test, compete);
  });
}

function isSharedAfterStop(what: string, make: Make): void {
  it(`${what} is shared out as before after one of them was stopped, and the others gave way in vain`, async (test) => {
    const compete = async (contest: Contest): Promise<void> => {
      const object = make();
      // Counted only from when this is taken back.
      contest.begun.add(-1);
      const competitors = new Company(
        COMPETITORS,
        (me) => new Process({ target: competes, args: [object, contest, me, 'blocking'] }),
      );
      await until(() => contest.begun.value === COMPETITORS - 1, 'all to have had it');
      const pid = competitors.members[0]!.pid!;
      await freeze(pid);
      await sleep(500);
      thaw(pid);
      contest.begun.add(1);
      await competitors.results();
      object.close();
    };
    await assertFair(test, compete);
  });
}

function makeContest(): Contest {
  return {
    gate: new Barrier(COMPETITORS),
    begun: word(),
    total: word(),
    shares: words(COMPETITORS),
    stalls: word(),
    enough: ENOUGH,
    work: WORK,
  };
}

/**
 * A contest shows how the library shares out, unless the machine kept competitors from running: who
 * does not come in its turn has less. Such a contest that ends unevenly shows nothing, and another
 * is held.
 */
async function assertFair(test: TestContext, compete: (contest: Contest) => Promise<void>): Promise<void> {
  while (!test.signal.aborted) {
    const contest = makeContest();
    await compete(contest);
    const shares = contest.shares.map(({ value }) => value);
    if (Math.max(...shares) <= 2 * Math.min(...shares)) return;
    const told = `the shares are ${shares.join(', ')}`;
    assert.ok(contest.stalls.value > 0, told);
    test.diagnostic(`the machine stopped competitors ${contest.stalls.value} times, and ${told}`);
  }
}
