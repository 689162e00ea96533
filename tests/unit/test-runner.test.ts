/**
 * The runner of the tests ends a file that does not end, and tells again at the end what failed.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import '../support/sandbox.ts';
import { runs } from '../support/processes.ts';
import { run } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';

const NEVER = 1e6;

let base = '';

/** Resolves to the runner's output about the file. */
async function runTests(file: string, limit: number): Promise<string> {
  const ending = await run('runs-tests', { args: [file, `${limit}`], env: { LOCKSTEP_TEST_DIR: base } });
  assert.equal(ending.code, 0, ending.stderr);
  return ending.stdout + ending.stderr;
}

/** The part that is printed once all files have ended. */
function summary(output: string): string {
  assert.match(output, /^what failed$/m, output);
  return output.slice(output.indexOf('\nwhat failed\n'));
}

describe('the runner of the tests', { concurrency: true, timeout: HANG_MS }, () => {
  before(() => {
    base = mkdtempSync(join(tmpdir(), 'lockstep-runner-'));
  });
  after(() => rmSync(base, { recursive: true }));

  it('kills a file that does not end, with its children, and tells what it had printed', async () => {
    const output = await runTests('programs/hangs.js', 4000);
    assert.match(output, /hangs\.js has not ended in 4 s\. It is killed, with its processes:/);
    assert.match(output, /^ {2}\d+ \(sleep 1000\)$/m);
    assert.match(output, /^ {2}\d+ \(sleep 1001\)$/m);
    assert.match(output, /printed before it hangs/);
    assert.match(output, /✔ passes/);
    assert.match(output, /all passed: false/);
    assert.match(summary(output), /programs\/hangs\.js: the file itself\n {4}not ended: waits in vain\n/);
    const [, ...children] = /children: (\d+) (\d+)/.exec(output) ?? [];
    assert.equal(children.length, 2, output);
    await until(() => children.every((pid) => !runs(Number(pid))), 'the end of its children');
  });

  it('ends a file whose failed test has left children, after it has told of them', async () => {
    const output = await runTests('programs/leaves-child.js', NEVER);
    assert.doesNotMatch(output, /has not ended/);
    const told = summary(output);
    assert.match(told, /programs\/leaves-child\.js: fails with children\n {4}Error: as it should/);
    assert.match(told, /children live on: \d+ \(/);
    assert.match(output, /all passed: false/);
  });
});
