/**
 * Programs that end while their children are busy: when such a program has ended, so have its
 * children, and its folder is gone.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeProcess, processesOf } from '../support/processes.ts';
import { listing, sandbox } from '../support/sandbox.ts';
import { HANG_MS } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../programs/ends-busy.js', import.meta.url));
const IS_DEEP = process.env.LOCKSTEP_MODEL === 'deep';
/** Exit codes by the way in which the program ends. */
const CODES: Record<string, number> = { exit: 5, starting: 5, signal: 6, listener: 7, throw: 1, scope: 1 };
const CASES: readonly (readonly [kind: string, ...ways: string[]])[] = [
  ['Pool', 'exit', 'starting', 'signal', 'listener', 'throw', 'scope'],
  // Node aborts when a thread that loads takes longer than it is waited for.
  ['ThreadPool', 'exit', 'throw', 'scope', ...(IS_DEEP ? ['starting'] : [])],
  ['Process', 'exit', 'starting'],
  ['deaf', 'exit', 'throw'],
  ['Thread', 'exit'],
];

async function run(kind: string, how: string): Promise<void> {
  const folder = mkdtempSync(join(sandbox, 'program-'));
  const program = spawn(process.execPath, [PROGRAM, kind, how], {
    env: { ...process.env, LOCKSTEP_DIR: folder },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const [code, signal] = await once(program, 'exit');
  assert.deepEqual([code, signal], [CODES[how], null]);
  assert.deepEqual(processesOf(folder).map(describeProcess), [], 'no process lives on');
  assert.deepEqual(listing(folder), [], 'no file is left');
  rmdirSync(folder);
}

describe('a program that ends while its children are busy leaves nothing', { concurrency: 2 }, () => {
  for (const [kind, ...ways] of CASES)
    for (const how of ways) it(`${kind}: ${how}`, { timeout: HANG_MS }, () => run(kind, how));
});
