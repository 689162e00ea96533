/** The end of a child process whose target is done: see docs/decisions/0018-ends-at-once.md. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Process } from 'lockstep';
import * as leavings from './leavings.ts';
import { program, runFile } from './run-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'child-end-'));
after(() => rmSync(folder, { recursive: true }));

describe('A child process whose target is done', () => {
  for (const what of Object.keys(leavings.LEAVINGS) as (keyof typeof leavings.LEAVINGS)[]) {
    it(`does what that has left behind: ${what}`, async () => {
      const path = join(folder, what);
      const child = new Process({ target: leavings.leaves, args: [what, path] });
      child.start();
      assert.equal(await child.result, 'returned');
      assert.equal(child.exitCode, 0);
      assert.equal(readFileSync(path, 'utf8'), `${what}\n`);
    });
  }

  it('ends by Lockstep’s doing, not by Node’s', async () => {
    const path = join(folder, 'end');
    const child = new Process({ target: leavings.tellsItsEnd, args: [path] });
    child.start();
    await child.result;
    assert.match(readFileSync(path, 'utf8'), /at finish .*(?:workers\/process\/ending|lockstep-\w+)\.c?js/);
  });

  it('118: runs its listeners of beforeExit, as often as they find more to do, and of exit', async () => {
    const path = join(folder, 'listeners');
    const child = new Process({ target: leavings.listens, args: [path] });
    child.start();
    await child.result;
    assert.equal(readFileSync(path, 'utf8'), 'beforeExit 0\nmore\nbeforeExit 0\nexit 0\n');
    assert.equal(child.exitCode, 7);
  });

  it('waits for what its listeners of beforeExit put off', async () => {
    const path = join(folder, 'awaits');
    const child = new Process({ target: leavings.listensAndAwaits, args: [path] });
    child.start();
    await child.result;
    assert.equal(readFileSync(path, 'utf8'), 'awaited\n');
  });

  it('does what a replaced process.emit does after the exit listeners', async () => {
    const path = join(folder, 'emit');
    const child = new Process({ target: leavings.replacesEmit, args: [path] });
    child.start();
    await child.result;
    assert.equal(readFileSync(path, 'utf8'), 'after the listeners\n');
  });

  it('105: ends with its process.exitCode, modulo 256', async () => {
    for (const [given, seen] of [
      [3, 3],
      [300, 44],
      ['5', 5],
    ] as const) {
      const child = new Process({ target: leavings.setsExitCode, args: [given] });
      child.start();
      await child.result;
      assert.equal(child.exitCode, seen);
    }
    const later = new Process({ target: leavings.setsExitCodeLater, args: [6] });
    later.start();
    await later.result;
    assert.equal(later.exitCode, 6);
  });

  it('X19: has printed all of it, however slowly that is read', async () => {
    const { code, stdout } = await runFile([`${program('printing')} | (sleep 0.3; cat)`], { shell: true });
    assert.equal(code, 0);
    assert.equal(stdout, `${'x'.repeat(1_000_000)}\nend\n`);
  });

  it('ends as Node likes where that has something to write down', async () => {
    const coverage = join(folder, 'coverage');
    const { env } = process;
    const before = env.NODE_V8_COVERAGE;
    env.NODE_V8_COVERAGE = coverage;
    try {
      const child = new Process({ target: leavings.covered });
      child.start();
      assert.equal(await child.result, 'covered');
    } finally {
      if (before === undefined) delete env.NODE_V8_COVERAGE;
      else env.NODE_V8_COVERAGE = before;
    }
    assert.equal(readdirSync(coverage).length, 1, 'Node writes the coverage after the exit listeners');
  });

  it('writes its profile, however the option is spelt', async () => {
    const { execArgv } = process;
    for (const option of ['--cpu-prof', '--cpu_prof']) {
      const profiles = join(folder, option);
      execArgv.push(option, `--cpu-prof-dir=${profiles}`);
      try {
        const child = new Process({ target: leavings.covered });
        child.start();
        assert.equal(await child.result, 'covered');
      } finally {
        execArgv.splice(-2);
      }
      assert.equal(readdirSync(profiles).length, 1, option);
    }
  });

  it('leaves what it loaded in the compile cache', {
    skip: 'getCompileCacheDir' in module ? false : 'this Node has no compile cache',
  }, async () => {
    const cache = join(folder, 'cache');
    const { env } = process;
    const before = env.NODE_COMPILE_CACHE;
    env.NODE_COMPILE_CACHE = cache;
    const filesAfter = async (name: string): Promise<number> => {
      const path = join(folder, name);
      writeFileSync(path, 'export default 1;');
      const child = new Process({ target: leavings.loads, args: [pathToFileURL(path).href] });
      child.start();
      await child.result;
      return readdirSync(cache, { recursive: true }).length;
    };
    try {
      const first = await filesAfter('first.mjs');
      assert.equal(await filesAfter('second.mjs'), first + 1);
    } finally {
      if (before === undefined) delete env.NODE_COMPILE_CACHE;
      else env.NODE_COMPILE_CACHE = before;
    }
  });
});
