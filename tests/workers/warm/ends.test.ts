/** However a program ends, and whatever happens to a spare: none is left, and nothing is lost. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { activeChildren, Process, Queue } from 'lockstep';
import { processesOf, runs } from '../../support/processes.ts';
import { sandbox } from '../../support/sandbox.ts';
import { HANG_MS, until } from '../../support/until.ts';
import { sparesOf } from './spares.ts';
import { find } from './targets.ts';

const PROGRAM = fileURLToPath(new URL('./program.js', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'lockstep-warm-'));
after(async () => {
  rmSync(folder, { recursive: true });
  // Programs that were killed have left their namespaces, which the next one sweeps.
  await start(['exits']).closed;
});

interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
}

/** A program of program.ts, in a group of its own; its spares have its output, too. */
function start(args: string[], nodeArgs: string[] = []) {
  const child = spawn(process.execPath, [...nodeArgs, PROGRAM, ...args], {
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  let stdout = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  // Comes once no process has its standard output open.
  const closed = once(child, 'close').then(([code, signal]): Ran => ({ code, signal, stdout }));
  return { child, closed, pid: child.pid!, said: () => stdout };
}

async function noneIsLeft(): Promise<void> {
  await until(() => processesOf(sandbox).length === 0, 'all processes to be gone');
}

afterEach(async () => {
  await Process.warm(0);
  for (const child of activeChildren()) {
    child.kill();
    child.joinSync();
  }
});

describe('A program with spares', { timeout: HANG_MS }, () => {
  for (const [what, code] of [
    ['ends', 0],
    ['exits', 3],
    ['fails', 1],
    ['hasChild', 0],
  ] as const) {
    it(`${what}: nobody holds its standard output open, and no spare is left`, async () => {
      const ended = await start([what]).closed;
      assert.equal(ended.code, code);
      await noneIsLeft();
    });
  }

  for (const what of ['keeps', 'blocksEarly']) {
    it(`${what} and is killed: no spare is left`, async () => {
      const { child, closed, pid, said } = start([what]);
      await until(() => said().includes('\n'), 'its spares');
      const spares = said().trim().split(' ').map(Number);
      assert.equal(spares.length, 2);
      assert.deepEqual(sparesOf(pid), spares);
      child.kill('SIGKILL');
      await closed;
      await noneIsLeft();
    });
  }

  it('is killed at any time of its start: no spare is left', async () => {
    // From before the first line of the program to after the spares are ready.
    for (let milliseconds = 40; milliseconds < 400; milliseconds += 45) {
      const { child, closed } = start(['keeps']);
      setTimeout(() => child.kill('SIGKILL'), milliseconds);
      assert.equal((await closed).signal, 'SIGKILL');
    }
    await noneIsLeft();
  });

  it('is killed right after start(): the child runs, as one that was started cold', async () => {
    const pids = new Queue<number>({ name: 'pids', namespace: 'warm' });
    const { closed } = start(['isKilled']);
    const pid = await pids.get();
    assert.equal((await closed).signal, 'SIGKILL');
    await noneIsLeft();
    await until(() => !runs(pid!), 'the end of the child');
    pids.close();
  });

  it('is killed right after start() of a daemon: nothing is left', async () => {
    const pids = new Queue<number>({ name: 'pids', namespace: 'warm' });
    const { closed } = start(['isKilled', 'daemon']);
    assert.equal((await closed).signal, 'SIGKILL');
    await noneIsLeft();
    pids.close();
  });

  it('blocks all the time: starts are warm, and spares are made', async () => {
    const { stdout } = await start(['blocks']).closed;
    assert.equal(stdout, '3\n');
  });

  it('ends a thread that keeps spares: they are gone while the program lives', async () => {
    const { stdout } = await start(['thread']).closed;
    const [spares = '', left] = stdout.trim().split('\n');
    assert.equal(spares.split(' ').length, 2);
    assert.equal(left, '0');
  });

  it('gives a spare’s child its standard input', async () => {
    const { child, closed } = start(['readsInput']);
    child.stdin.end('hello');
    assert.equal((await closed).stdout, 'true hello\n');
  });

  it('is interrupted with its group, and goes on: no spares are made that nobody wants', async () => {
    const { child, closed, pid, said } = start(['interrupted']);
    await until(() => said().includes('\n'), 'its spares');
    process.kill(-pid, 'SIGINT');
    await until(() => sparesOf(pid).length === 0, 'its spares to be gone');
    // Longer than it takes to replace a spare.
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(sparesOf(pid), []);
    assert.equal(runs(pid), true);
    child.kill('SIGKILL');
    await closed;
  });

  const permitted = ['--allow-addons', '--allow-child-process', '--allow-fs-read=*', '--allow-fs-write=*'];
  const permission = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  for (const options of [
    ['--inspect=0'],
    ['--cpu-prof', `--cpu-prof-dir=${folder}`],
    [permission, ...permitted],
  ]) {
    it(`has none with ${options[0]}`, async () => {
      const { code, stdout } = await start(['ends'], options).closed;
      assert.deepEqual([code, stdout], [0, '\n']);
    });
  }

  const isRoot = process.geteuid?.() === 0;
  it('drops its rights: a spare of root’s is not used, and ends', {
    skip: !isRoot && 'takes root',
  }, async () => {
    chmodSync(sandbox, 0o1777);
    try {
      const { closed } = start(['dropsRights']);
      const { stdout } = await closed;
      const { spare, warm, ids } = JSON.parse(stdout) as { spare: number; warm: boolean; ids: unknown[] };
      assert.equal(warm, false);
      assert.deepEqual(ids, [65_534, 65_534, 65_534, 65_534, [65_534]]);
      assert.equal(runs(spare), false);
    } finally {
      chmodSync(sandbox, 0o700);
    }
  });
});

describe('A spare that ends unused', { timeout: HANG_MS }, () => {
  async function found(): Promise<boolean> {
    const child = new Process({ target: find });
    child.start();
    return (await child.result).warm;
  }

  it('is noticed by a start in the same turn of the event loop: that is cold', async () => {
    await Process.warm(1);
    const [spare = 0] = sparesOf(process.pid);
    process.kill(spare, 'SIGKILL');
    while (runs(spare));
    assert.equal(await found(), false);
  });

  it('is replaced once; after a second one no more are made', async () => {
    await Process.warm(1);
    for (let round = 0; round < 2; round++) {
      await until(() => sparesOf(process.pid).length === 1, 'a spare');
      const [spare] = sparesOf(process.pid);
      process.kill(spare!, 'SIGKILL');
      await until(() => !sparesOf(process.pid).includes(spare!), 'it to be gone');
    }
    await new Promise((resolve) => setTimeout(resolve, 600));
    assert.deepEqual(sparesOf(process.pid), []);
    assert.equal(await found(), false);
    assert.equal(await Process.warm(1), 1);
    assert.equal(await found(), true);
  });

  it('is killed after it was given a job: its child has died before Lockstep ran in it', async () => {
    await Process.warm(1);
    const [spare = 0] = sparesOf(process.pid);
    process.kill(spare, 'SIGSTOP');
    const child = new Process({ target: find });
    child.start();
    assert.equal(child.pid, spare);
    process.kill(spare, 'SIGKILL');
    await assert.rejects(child.result, {
      code: 'ERR_LOCKSTEP_WORKER_DIED',
      message: /killed by signal 9; Lockstep did not run in it yet/,
    });
  });
});
