/**
 * Damage: two programs use objects of all classes while words of their shared memory are damaged.
 * Whatever a word says, each call returns, throws an error with a code, or its timeout passes: no
 * crash, no hang, no uncaught exception, no memory without bounds.
 *
 * As many seeds as fit into the time; all of them in `npm run test:deep`. `LOCKSTEP_DAMAGE=from-to`
 * runs certain ones.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/programs.ts';
import '../support/sandbox.ts';

const MEMBER = fileURLToPath(new URL('member.js', import.meta.url));
const SEEDS = 10_000;
/** Seeds of one pair of programs: each stays in the namespaces of all its seeds. */
const PER_PAIR = 25;
const PAIRS = 3;
/** Milliseconds for all seeds in the usual run. */
const USUAL = 20_000;
/**
 * Milliseconds without a word after which a pair hangs. Waits that are refused in the end take 10
 * s.
 */
const PATIENCE = 60_000;

interface Failure {
  readonly seed: number;
  readonly call: string;
  readonly error: string;
}

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
  const args = [MEMBER, 'leader', String(from), String(to), String(until)];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let seed = from;
  let ran = 0;
  let stderr = '';
  let alarm = setTimeout(() => {}, 0);
  const heard = (): void => {
    clearTimeout(alarm);
    alarm = setTimeout(() => {
      failures.push({ seed, call: 'hangs', error: stderr });
      end(child);
    }, PATIENCE);
  };
  heard();
  child.stderr.on('data', (chunk) => {
    stderr = (stderr + String(chunk)).slice(-4000);
  });
  createInterface(child.stdout).on('line', (line) => {
    heard();
    const said = JSON.parse(line) as { seed?: number; ran?: number; failure?: Failure };
    seed = said.seed ?? seed;
    ran = said.ran ?? ran;
    if (said.failure !== undefined) failures.push(said.failure);
    if (said.failure !== undefined && all) console.error(JSON.stringify(said.failure, null, 1));
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(alarm);
  if (code !== 0) failures.push({ seed, call: 'ends', error: `${code} ${signal} ${stderr}` });
  return ran;
}

/** Ends the program and its partner. */
function end({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL');
}
