/**
 * Damage: two programs use objects of all classes while words of their shared memory are damaged.
 * Whatever a word says, each call returns, throws an error with a code, or its timeout passes: no
 * crash, no hang, no uncaught exception, no memory without bounds.
 *
 * As many seeds as fit into the time; all of them in `npm run test:deep`. `LOCKSTEP_DAMAGE=from-to`
 * runs certain ones.
 */

import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Crew } from '../support/members/crew.ts';
import { Member } from '../support/members/member.ts';
import { descendantsOf, killAll } from '../support/processes.ts';
import { run } from '../support/programs.ts';
import '../support/sandbox.ts';
import { inTime } from '../support/until.ts';
import type { Failure } from './member.ts';

const MEMBER = new URL('member.js', import.meta.url).href;
const SEEDS = 10_000;
/** Seeds of one pair of programs: each stays in the namespaces of all its seeds. */
const PER_PAIR = 25;
const PAIRS = 3;
/** Milliseconds for all seeds in the usual run. */
const USUAL = 12_000;
/** Milliseconds after which a seed hangs. Waits that are refused in the end take 10 s. */
const PATIENCE = 60_000;

const crew = new Crew(Member);
after(() => crew.close());

const asked = process.env.LOCKSTEP_DAMAGE ?? '';
const [, first = '0', last = String(SEEDS)] = /^(\d+)-(\d+)$/.exec(asked) ?? [];
const all = asked !== '';

describe('damaged words', () => {
  it('lead to an answer, an error with a code or the end of a timeout', {
    timeout: all ? Number.POSITIVE_INFINITY : 240_000,
  }, async (t) => {
    const until = all ? Number.POSITIVE_INFINITY : Date.now() + USUAL;
    const failures: Failure[] = [];
    let ran = 0;
    let next = Number(first);
    const work = async (): Promise<void> => {
      while (next < Number(last) && Date.now() < until) {
        const from = next;
        next = Math.min(next + PER_PAIR, Number(last));
        const count = await runPair(from, next, until, failures);
        ran += count;
      }
    };
    await Promise.all(Array.from({ length: PAIRS }, work));
    t.diagnostic(`${ran} seeds of ${SEEDS}, from ${first} on`);
    assert.ok(ran > 0);
    assert.deepEqual(failures, []);
    // A program that can't leave a damaged namespace in order leaves the folder to the next one.
    const { stdout } = await run('tries', { args: ['anonymous'] });
    assert.equal(stdout, '{"done":false}\n');
  });
});

/** Runs seeds with two programs; returns how many there were. */
async function runPair(from: number, to: number, until: number, failures: Failure[]): Promise<number> {
  const leader = await crew.startProgram(MEMBER, 'leads');
  let seed = from;
  const order = async (operation: string): Promise<void> => {
    const found = await inTime(leader.order(operation, seed), `the end of ${operation}`, PATIENCE);
    failures.push(...(found as Failure[]));
    if (all) for (const failure of found as Failure[]) console.error(JSON.stringify(failure, null, 1));
  };
  try {
    for (; seed < to && Date.now() < until; seed++) await order('play');
    await order('end');
    assert.equal(await leader.leave(), 'exit code 0');
  } catch (error) {
    failures.push({ seed, call: 'hangs or ends', error: String(error) });
    // It, and its partner.
    killAll([...descendantsOf(leader.pid), leader.pid]);
  }
  return seed - from;
}
