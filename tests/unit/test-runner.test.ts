/**
 * The runner of the tests ends a file that does not end, and tells again at the end what failed.
 * What a killed runner leaves is cleared away.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../support/sandbox.ts';
import { runs } from '../support/processes.ts';
import { run } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';

const NEVER = 1e6;
const WATCHDOG = fileURLToPath(new URL('../../../scripts/test-watchdog.mjs', import.meta.url));

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
    let output = '';
    // As long as it takes until the file has started its children before it is killed.
    for (let limit = 2000; !output.includes('children:'); limit *= 2) {
      output = await runTests('programs/hangs.js', limit);
      assert.match(output, /hangs\.js has not ended in \d+ s\. It is killed, with its processes:/);
    }
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

  it('leaves nothing when it is killed: its watchdog ends all processes, and removes the folder', async () => {
    const folder = join(base, 'killed');
    mkdirSync(join(folder, 'lockstep-test-1'), { recursive: true });
    const watchdog = spawn(process.execPath, [WATCHDOG, folder], { stdio: ['pipe', 'ignore', 'inherit'] });
    const env = { ...process.env, LOCKSTEP_TEST_DIR: folder };
    const parent = spawn('sh', ['-c', 'sleep 1002 & echo "$!"; wait'], { env });
    const [text] = (await once(parent.stdout, 'data')) as [Buffer];
    const child = Number(text.toString());
    assert.ok(runs(child));
    watchdog.stdin.end();
    await Promise.all([once(watchdog, 'exit'), once(parent, 'exit')]);
    await until(() => !runs(child), 'the end of the child');
    assert.equal(existsSync(folder), false);
  });
});
