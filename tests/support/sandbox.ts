/**
 * Gives a base folder of its own to the test file that imports it (first of all, before
 * `lockstep`). When the file is done, it checks that no process it started lives on and that
 * nothing is left in the folder.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { describeProcess, processesOf } from './processes.ts';
import { holds } from './until.ts';

/** Where this file's namespaces live: `LOCKSTEP_DIR` of this process and of all that it starts. */
export const sandbox: string = mkdtempSync(
  join(process.env.LOCKSTEP_TEST_DIR ?? '/dev/shm', 'lockstep-test-'),
);
process.env.LOCKSTEP_DIR = sandbox;

after(async () => {
  // Registered last, so that it runs when the library has left: its own listener came before.
  process.once('exit', () => {
    const left = listing(sandbox);
    rmSync(sandbox, { recursive: true, force: true });
    if (left.length > 0) {
      console.error(`left behind in LOCKSTEP_DIR:\n  ${left.join('\n  ')}`);
      process.exitCode = 1;
    }
  });
  const { activeChildren } = await import('lockstep');
  assert.deepEqual(
    activeChildren().map(({ name }) => name),
    [],
    'children live on',
  );
  const allGone = await holds(() => processesOf(sandbox).length === 0);
  assert.ok(allGone, `processes live on: ${processesOf(sandbox).map(describeProcess).join(', ')}`);
});

/** Everything below `folder`, as paths relative to it. */
export function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}
