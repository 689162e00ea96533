/** A spare becomes as a process that is started now, or is not used. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import '../../support/sandbox.ts';
import { activeChildren, Process } from 'lockstep';
import type * as spares from '../../../src/workers/process/spares.ts';
import { load } from '../../support/internals.ts';
import { until } from '../../support/until.ts';
import { sparesOf, switchesOf } from './spares.ts';
import { exits, type Found, fails, find, timesTimer } from './targets.ts';

interface Spares {
  SpareKeeper: typeof spares.SpareKeeper;
  withSpares: typeof spares.withSpares;
}

const { SpareKeeper, withSpares } = await load<Spares>('workers/process/spares.js');

/** How long a spare sleeps before its timer is measured, and its wake-ups are counted. */
const SLEEP_MS = 400;

const folder = mkdtempSync(join(tmpdir(), 'lockstep-warm-'));
const home = process.cwd();

async function start(): Promise<Found> {
  const child = new Process({ target: find });
  child.start();
  const found = await child.result;
  assert.equal(found.pid, child.pid);
  return found;
}

/** The findings of a cold and a warm start, after the same change. */
async function both(): Promise<{ cold: Found; warm: Found }> {
  const warm = await start();
  await Process.warm(0);
  const cold = await start();
  assert.deepEqual([warm.warm, cold.warm], [true, false]);
  return { cold, warm };
}

/** The permitted differences between two processes of a program. */
function comparable({ warm, pid, name, ...others }: Found): Partial<Found> {
  return others;
}

after(() => rmSync(folder, { recursive: true, force: true }));

afterEach(async () => {
  process.chdir(home);
  await Process.warm(0);
  for (const child of activeChildren()) {
    child.kill();
    child.joinSync();
  }
});

describe('A spare', () => {
  it('takes over a start, once, and another is made', async () => {
    assert.equal(await Process.warm(2), 2);
    const spares = sparesOf(process.pid);
    assert.equal(spares.length, 2);
    assert.deepEqual(activeChildren(), []);
    const found = [await start(), await start()];
    assert.deepEqual(
      found.map(({ warm }) => warm),
      [true, true],
    );
    assert.deepEqual(new Set(found.map(({ pid }) => pid)), new Set(spares));
    await until(() => sparesOf(process.pid).length === 2, 'two new spares');
    assert.equal((await start()).warm, true);
  });

  it('is never used twice, under twenty starts at once', async () => {
    await Process.warm(3);
    const children = Array.from({ length: 20 }, () => new Process({ target: find }));
    for (const child of children) child.start();
    const found = await Promise.all(children.map(({ result }) => result));
    assert.equal(new Set(found.map(({ pid }) => pid)).size, children.length);
    assert.deepEqual(
      found.map(({ name }) => name),
      children.map(({ name }) => name),
    );
    assert.equal(found.filter(({ warm }) => warm).length, 3);
  });

  it('is never used twice, under a hundred starts at once', async () => {
    await Process.warm(3);
    const spares = sparesOf(process.pid);
    const children = Array.from({ length: 100 }, () => new Process({ target: find }));
    for (const child of children) child.start();
    const pids = children.map(({ pid }) => pid!);
    // What each of them does is tested with fewer: a hundred would take long to come to it.
    for (const child of children) child.kill();
    assert.equal(new Set(pids).size, children.length);
    assert.deepEqual(new Set(pids.slice(0, 3)), new Set(spares));
    await Promise.all(children.map((child) => child.join()));
  });

  it('is given its job before it is ready, and then waits for nothing', async () => {
    const ready = Process.warm(1);
    assert.equal((await start()).warm, true);
    assert.equal(await ready, 0);
  });

  it('has the result, the error and the exit code of its target, as any child', async () => {
    await Process.warm(2);
    const failing = new Process({ target: fails });
    failing.start();
    await assert.rejects(failing.result, { name: 'RangeError', message: 'of the target' });
    const exiting = new Process({ target: exits, args: [7] });
    exiting.start();
    exiting.joinSync();
    assert.equal(exiting.exitCode, 7);
    await assert.rejects(exiting.result, {
      code: 'ERR_LOCKSTEP_WORKER_DIED',
      message: /before its target was done/,
    });
  });

  it('finds itself as a process that is started now', async () => {
    await Process.warm(1);
    const { cold, warm } = await both();
    assert.deepEqual(comparable(warm), comparable(cold));
    assert.equal(warm.isMainProcess, false);
    assert.equal(warm.parent, process.pid);
  });

  it('sleeps without a wake-up, and then keeps the time', async () => {
    await Process.warm(1);
    const [pid = 0] = sparesOf(process.pid);
    // The threads of V8 have something left to do when it is ready.
    await until(async () => {
      const before = switchesOf(pid);
      await new Promise((resolve) => setTimeout(resolve, SLEEP_MS));
      return switchesOf(pid) === before;
    }, 'it to sleep without a wake-up');
    const child = new Process({ target: timesTimer });
    child.start();
    assert.equal(child.pid, pid);
    assert.ok((await child.result) >= 99);
  });

  it('may be the daemon of the next start, or not', async () => {
    await Process.warm(2);
    for (const daemon of [true, false]) {
      const child = new Process({ target: find, daemon });
      child.start();
      assert.equal((await child.result).warm, true);
    }
  });
});

describe('A spare becomes as a process that is started now:', () => {
  beforeEach(() => Process.warm(1));

  it('environment', async () => {
    const names = ['LOST', 'KEPT', 'NEW', 'TZ'];
    Object.assign(process.env, { LOST: 'a', KEPT: 'b', TZ: 'UTC' });
    await Process.warm(0);
    await Process.warm(1);
    delete process.env.LOST;
    Object.assign(process.env, { KEPT: 'c', NEW: '', TZ: 'Asia/Tokyo' });
    const { cold, warm } = await both();
    for (const name of names) delete process.env[name];
    assert.deepEqual(warm.env, cold.env);
    assert.deepEqual(
      names.map((name) => warm.env[name]),
      [undefined, 'c', '', 'Asia/Tokyo'],
    );
    assert.equal(warm.hour, 9);
  });

  it('arguments', async () => {
    process.argv.push('--one', 'two');
    const { cold, warm } = await both();
    process.argv.splice(-2);
    assert.deepEqual(warm.args, cold.args);
    assert.deepEqual(warm.args.slice(-2), ['--one', 'two']);
  });

  it('working directory', async () => {
    process.chdir(folder);
    const { cold, warm } = await both();
    assert.equal(warm.folder, cold.folder);
    assert.equal(warm.folder, folder);
  });

  it('a working directory that was replaced by another of its name', async () => {
    const moved = join(folder, 'replaced');
    mkdirSync(moved);
    process.chdir(moved);
    await Process.warm(0);
    await Process.warm(1);
    rmSync(moved, { recursive: true });
    mkdirSync(moved);
    process.chdir(moved);
    assert.equal((await start()).folder, moved);
  });

  it('umask', async () => {
    const before = process.umask(0o027);
    try {
      const { cold, warm } = await both();
      assert.deepEqual([warm.umask, cold.umask], [0o027, 0o027]);
    } finally {
      process.umask(before);
    }
  });
});

describe('A spare is not used, and replaced, where it can’t become as a process that is started now:', () => {
  beforeEach(() => Process.warm(1));

  async function isCold(): Promise<void> {
    const [old] = sparesOf(process.pid);
    assert.equal((await start()).warm, false);
    await until(() => sparesOf(process.pid).some((pid) => pid !== old), 'a new spare');
    await until(() => !sparesOf(process.pid).includes(old!), 'the old one to end');
    assert.equal((await start()).warm, true);
  }

  it('a variable that is read at the start has changed', async () => {
    process.env.LANG = 'de_DE.UTF-8';
    try {
      await isCold();
    } finally {
      delete process.env.LANG;
    }
  });

  it('process.execArgv has changed', async () => {
    process.execArgv.push('--no-deprecation');
    try {
      await isCold();
    } finally {
      process.execArgv.pop();
    }
  });

  it('the working directory is gone', async () => {
    const gone = join(folder, 'gone');
    mkdirSync(gone);
    process.chdir(gone);
    rmSync(gone, { recursive: true });
    const child = new Process({ target: exits, args: [3] });
    child.start();
    const warm = sparesOf(process.pid).includes(child.pid!);
    await child.join();
    process.chdir(home);
    assert.equal(warm, false);
  });
});

describe('A keeper of its own', () => {
  it('gives its spares first, and only to those for whom it is', async () => {
    const keeper = new SpareKeeper();
    keeper.keep(1);
    assert.equal(await keeper.ready(), 1);
    const [own] = sparesOf(process.pid);
    assert.equal((await start()).warm, false);
    await Process.warm(1);
    assert.equal((await withSpares(keeper, start)).pid, own);
    keeper.keep(0);
    assert.equal((await withSpares(keeper, start)).warm, true);
  });
});

describe('Modules that are loaded ahead', () => {
  const url = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return pathToFileURL(join(folder, name)).href;
  };
  const loads = (name: string): string => `(globalThis.loaded ??= []).push('${name}');`;

  it('are loaded when the spare takes over, in their order', async () => {
    const preload = [
      url('one.mjs', loads('one')),
      join(folder, 'two.cjs'),
      new URL(url('three.mjs', loads('three'))),
    ];
    url('two.cjs', loads('two'));
    assert.equal(await Process.warm(1, { preload }), 1);
    const { warm, loaded, name, isMainProcess } = await start();
    assert.deepEqual(
      { warm, loaded, isMainProcess },
      { warm: true, loaded: ['one', 'two', 'three'], isMainProcess: false },
    );
    assert.match(name, /^Process-\d+$/);
  });

  it('may have looked at all of the environment, so a spare whose own differs is not used', async () => {
    const preload = [url('looks.mjs', '')];
    await Process.warm(1, { preload });
    process.env.ANY = 'other';
    try {
      assert.equal((await start()).warm, false);
    } finally {
      delete process.env.ANY;
    }
  });

  it('that can’t be loaded refuse it, with their error as the cause', async () => {
    const preload = [url('broken.mjs', 'throw new RangeError("broken")')];
    await assert.rejects(Process.warm(2, { preload }), (error: Error & { code: string }) => {
      assert.equal(error.code, 'ERR_LOCKSTEP_TARGET');
      assert.match(
        error.message,
        /^Process.warm: no spare is ready, a module could not be loaded ahead \(broken\); /,
      );
      assert.equal((error.cause as Error).name, 'RangeError');
      return true;
    });
    await until(() => sparesOf(process.pid).length === 0, 'no spare to be left');
    assert.equal((await start()).warm, false);
  });

  it('that are loading still: the start is cold', async () => {
    const preload = [url('endless.mjs', 'await new Promise((resolve) => setTimeout(resolve, 3e4));')];
    const ready = Process.warm(1, { preload });
    assert.equal((await start()).warm, false);
    await Process.warm(0);
    assert.equal(await ready, 0);
  });
});

describe('Process.warm', () => {
  it('refuses anything but a number of processes and modules', async () => {
    const type = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };
    const range = { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' };
    await assert.rejects(Process.warm('2' as never), type);
    await assert.rejects(Process.warm(undefined as never), type);
    for (const count of [-1, 1.5, Number.NaN, 255, 2 ** 31]) await assert.rejects(Process.warm(count), range);
    await assert.rejects(Process.warm(1, { preload: 'module' as never }), type);
    await assert.rejects(Process.warm(1, { preload: [7 as never] }), type);
    await assert.rejects(Process.warm(1, { preload: ['./relative.js'] }), { code: 'ERR_LOCKSTEP_TARGET' });
    await assert.rejects(Process.warm(1, { preloads: [] } as never), type);
    await assert.rejects(Process.warm(1, null as never), type);
    await until(() => sparesOf(process.pid).length === 0, 'no spare to be left');
  });

  it('says how many are ready, whatever their number was before', async () => {
    assert.equal(await Process.warm(0), 0);
    assert.equal(await Process.warm(2), 2);
    assert.equal(await Process.warm(1), 1);
    await until(() => sparesOf(process.pid).length === 1, 'one to be left');
    assert.equal(await Process.warm(0), 0);
    await until(() => sparesOf(process.pid).length === 0, 'none to be left');
  });
});
