/**
 * No program multiplies. A program that forgets its guard stops at its first children, and a target
 * may have all the children it wants.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import '../support/sandbox.ts';
import { Process, Thread, Value } from 'lockstep';
import { usersEnvironment } from '../support/environment.ts';
import { beforeExit, descend, processes, unrelatedProgram, WAYS } from './descendants.ts';
import { program, ROOT } from './run-file.ts';

const UNGUARDED = [
  'await',
  'caught',
  'top',
  'chained',
  'callback',
  'timeout',
  'immediate',
  'tick',
  'microtask',
  'listener',
  'beforeExit',
  'dynamic',
  'port',
  'subclass',
];
/** Ways that are tried with threads. */
const FEW = 6;
/** Programs that run at once. */
const ABREAST = 3;
/** Milliseconds after which a program that multiplies is killed, with all its descendants. */
const PATIENCE = 240_000;

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

interface Ending {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a program in a process group of its own, of which nothing outlives this call. */
async function runBounded(args: string[], cwd = fileURLToPath(ROOT)): Promise<Ending> {
  const child = spawn(process.execPath, args, {
    cwd,
    detached: true,
    env: usersEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].on('data', (chunk) => {
      printed[stream] += String(chunk);
    });
  }
  const killAll = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH');
    }
  };
  const timer = setTimeout(killAll, PATIENCE);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  killAll();
  return { code, ...printed };
}

/** Calls `run` with each of the items, a few at once. */
async function abreast<Item>(items: Item[], run: (item: Item) => Promise<void>): Promise<void> {
  const rest = [...items];
  const runner = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: ABREAST }, runner));
}

function generations(stdout: string): number[] {
  return [...stdout.matchAll(/^main (\d+)$/gm)].map(([, generation]) => Number(generation)).sort();
}

describe('A program that forgets its guard', () => {
  for (const kind of ['Process', 'Thread']) {
    it(`is refused in its first children, whatever way its top level takes (${kind})`, async () => {
      await abreast(kind === 'Process' ? UNGUARDED : UNGUARDED.slice(0, FEW), async (way) => {
        const { stdout, stderr } = await runBounded([program('unguarded-ways'), way, kind]);
        const mains = generations(stdout).length;
        // Of the program itself and of each child that it starts.
        const expected = { await: 3, caught: 6 }[way] ?? 2;
        assert.equal(mains, expected, `${way}: ${mains} times main()\n${stdout}${stderr}`);
        assert.match(stderr, /StateError: .*put what the program does under "if \(isMainProcess\)"/, way);
      });
    });
  }

  it('is refused also where its children are not run by Node, but by the program again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-executable-'));
    folders.push(folder);
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(fileURLToPath(ROOT), join(folder, 'node_modules/lockstep'));
    const app = join(folder, 'app.mjs');
    const packed = join(folder, 'packed');
    writeFileSync(packed, `#!/bin/sh\nexec "${process.execPath}" "${app}" "$@"\n`, { mode: 0o755 });
    writeFileSync(
      app,
      `import { isMainProcess, Process } from 'lockstep';
       export function work() {}
       const generation = Number(process.env.GENERATION ?? 0);
       process.env.GENERATION = String(generation + 1);
       console.log('main ' + generation, isMainProcess);
       process.execPath = ${JSON.stringify(packed)};
       if (generation < 3) {
         const child = new Process({ target: work });
         child.start();
         await child.result.catch((error) => console.log(error.message));
       }`,
    );
    const { stdout, stderr } = await runBounded([app]);
    assert.match(stdout, /^main 0 true$/m);
    assert.match(stdout, /^main 1 false$/m);
    assert.doesNotMatch(stdout, /^main 2/m);
    assert.match(stderr, /started to run a target and has not come to that; put what the program does under/);
    assert.match(stdout, /before Lockstep ran in it; .*whether process\.execPath \(.*packed\) is Node/);
  });
});

describe('Two copies of Lockstep in a program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-copies-'));
  folders.push(folder);
  for (const copy of ['node_modules/lockstep', 'node_modules/jobs/node_modules/lockstep']) {
    mkdirSync(join(folder, copy), { recursive: true });
    for (const part of ['package.json', 'dist']) {
      cpSync(new URL(part, ROOT), join(folder, copy, part), { recursive: true });
    }
    symlinkSync(fileURLToPath(new URL('node_modules', ROOT)), join(folder, copy, 'node_modules'));
  }
  writeFileSync(
    join(folder, 'node_modules/jobs/package.json'),
    '{"name":"jobs","type":"module","exports":"./index.js"}',
  );
  writeFileSync(
    join(folder, 'node_modules/jobs/index.js'),
    `import { currentProcess, isMainProcess, Lock, Pool, Process, Thread } from 'lockstep';
     export const libraryPool = () => Pool.shared();
     export { isMainProcess as libraryIsMain, currentProcess as libraryProcess, Lock as LibraryLock };
     export function inBackground(kind, target, ...args) {
       const child = new { Process, Thread }[kind]({ target, args }); child.start(); return child;
     }`,
  );
  writeFileSync(
    join(folder, 'app.mjs'),
    `import { currentProcess, isMainProcess, parentProcess, Process, Queue } from 'lockstep';
     import { inBackground, LibraryLock, libraryIsMain, libraryProcess } from 'jobs';
     const [kind, guarded] = process.argv.slice(2);
     export function work() {
       return { mains: [isMainProcess, libraryIsMain], names: [currentProcess().name, libraryProcess().name], parent: parentProcess()?.name };
     }
     export async function nested() { const child = new Process({ target: work }); child.start(); return child.result; }
     async function main() {
       const generation = Number(process.env.GENERATION ?? 0);
       process.env.GENERATION = String(generation + 1);
       console.log('main ' + generation);
       if (generation >= 3) return;
       await new Promise((resolve) => setTimeout(resolve, 20));
       const child = inBackground(kind, work);
       console.log(JSON.stringify(await child.result));
       if (kind === 'Process') console.log(JSON.stringify(await inBackground(kind, nested).result));
       if (generation > 0) return;
       for (const attempt of [
         () => new Process({ target: work, args: [{ lock: new LibraryLock() }] }).start(),
         () => new Queue().putSync(new LibraryLock()),
       ]) try { attempt(); } catch (error) { console.log(error.code, error.message); }
     }
     if (guarded === 'no' || isMainProcess) await main();`,
  );

  it('agree on who is the main process, and name both when their objects are mixed', async () => {
    const { code, stdout, stderr } = await runBounded(['app.mjs', 'Process', 'yes'], folder);
    assert.equal(code, 0, stderr);
    const lines = stdout.trim().split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      'main 0',
      '{"mains":[false,false],"names":["Process-1","Process-1"],"parent":"MainProcess"}',
      '{"mains":[false,false],"names":["Process-2:1","Process-2:1"],"parent":"Process-2"}',
    ]);
    assert.equal(lines.length, 5);
    for (const line of lines.slice(3)) {
      assert.match(
        line,
        /^ERR_LOCKSTEP_NOT_SENDABLE .*a Lock of another copy of Lockstep \('file:.*jobs.*'; this one is 'file:/,
      );
    }
  });

  it('both know a worker of a pool: children may start there, and a shared pool has no others', async () => {
    writeFileSync(
      join(folder, 'pools.mjs'),
      `import { isMainProcess, Pool } from 'lockstep';
       import { inBackground, libraryPool } from 'jobs';
       export const where = () => process.pid;
       export async function work() {
         const child = await inBackground('Process', where).result;
         return [child === process.pid, (await libraryPool().apply(where)) === process.pid];
       }
       if (isMainProcess) {
         const pool = new Pool(1);
         console.log(JSON.stringify(await pool.apply(work)));
         await pool.close();
       }`,
    );
    const { stdout, stderr } = await runBounded(['pools.mjs'], folder);
    assert.equal(stdout + stderr, '[false,true]\n');
  });

  it('refuse what a program without guard would start', async () => {
    for (const kind of ['Process', 'Thread']) {
      const { stdout, stderr } = await runBounded(['app.mjs', kind, 'no'], folder);
      assert.equal(generations(stdout).length, 2, stdout + stderr);
      assert.match(stderr, /StateError: .*put what the program does under "if \(isMainProcess\)"/);
    }
  });
});

describe('A target', () => {
  it('may start children at any time of its run, from timers, listeners and callbacks, and so may these', async () => {
    for (const [Kind, depth] of [
      [Process, 2],
      [Thread, 1],
    ] as const) {
      const child = new Kind({ target: descend, args: [depth] });
      child.start();
      assert.deepEqual(
        await child.result,
        WAYS.map(() => depth),
      );
    }
    const child = new Process({ target: processes, args: [2] });
    child.start();
    assert.equal(await child.result, 2);
  });

  it('may do so in a listener that has no context, once that is bound', async () => {
    const below = new Value('i32', 0);
    const child = new Process({ target: beforeExit, args: [below] });
    child.start();
    await child.join();
    assert.equal(below.value, 1);
  });

  it('may run other programs, which are main processes of their own', async () => {
    const child = new Process({ target: unrelatedProgram });
    child.start();
    assert.deepEqual(await child.result, { here: false, there: 'true null' });
  });
});
