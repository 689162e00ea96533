/**
 * Code cache: children after the first compile the library from V8's cache, and what that cache is
 * can't be told from what they do. There is one instance of the library's state in each thread.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';
import { PackedPackage } from './package.ts';

let installed: PackedPackage;
before(() => {
  installed = new PackedPackage();
  writeFileSync(
    join(installed.folder, 'targets.mjs'),
    `import { Lock, Thread } from 'lockstep';
    import { workerData } from 'node:worker_threads';
    export const cached = () => workerData.lockstep.code.words[0] > 0;
    // The first words are those by which V8 knows its own.
    export const spoil = () => void workerData.lockstep.code.words.fill(0, 2, 10);
    const MARK = 0x6d61726b;
    export const marked = () => workerData.lockstep.code.words.at(-1) === MARK;
    // A thread hands on to its threads what it has used itself.
    export async function used() {
      workerData.lockstep.code.words[workerData.lockstep.code.words.length - 1] = MARK;
      const inner = new Thread({ target: marked });
      inner.start();
      return await inner.result;
    }
    export const cacheRefused = () => globalThis.cacheRefused;
    export function refused() {
      try { new Lock().release(); } catch (error) { return error.stack; }
    }`,
  );
});
after(() => installed.remove());

const RUN = `
  const results = async (target, count) => {
    const found = [];
    for (let n = 0; n < count; n++) {
      const thread = new Thread({ target });
      thread.start();
      found.push(await thread.result);
    }
    return found;
  };
`;

/** Runs the program in the package's folder; returns the JSON that it printed. */
function run(text: string, ...options: string[]): unknown {
  const file = join(installed.folder, 'program.mjs');
  writeFileSync(
    file,
    `import { Lock, Thread } from 'lockstep'; import * as targets from './targets.mjs'; ${RUN}${text}`,
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, file], {
    env: { ...usersEnvironment(), LOCKSTEP_DIR: sandbox },
    cwd: installed.folder,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

test('the second thread of a program gets the cache, and V8 takes it', () => {
  const seen = run(`
    const [, ...cached] = await results(targets.cached, 3);
    console.log(JSON.stringify([cached, await results(targets.used, 1)]));
  `);
  assert.deepEqual(seen, [[true, true], [true]]);
});

test('a cache that V8 refuses changes nothing', () => {
  const seen = run(`
    await results(targets.spoil, 2);
    const [stack] = await results(targets.refused, 1);
    console.log(JSON.stringify([...(await results(targets.cached, 1)), ...(await results(targets.used, 1)), stack.split(':')[0]]));
  `);
  assert.deepEqual(seen, [true, false, 'NotLockedError']);
});

test('the second process gets the cache, too; without a whole one of its own executable it does without', () => {
  writeFileSync(
    join(installed.folder, 'watch.cjs'),
    `const vm = require('node:vm');
    vm.Script = class extends vm.Script {
      constructor(text, options) {
        super(text, options);
        globalThis.cacheRefused = this.cachedDataRejected ?? 'none';
      }
    };`,
  );
  const seen = run(
    `import { fstatSync, ftruncateSync, readdirSync, writeSync } from 'node:fs';
    import { Process } from 'lockstep';
    const start = async () => {
      const child = new Process({ target: targets.cacheRefused });
      child.start();
      return await child.result;
    };
    await start();
    const seen = [await start()];
    // The largest of the files that this process has open and that have no name.
    const sizeOf = (fd) => { try { return fstatSync(fd).nlink === 0 ? fstatSync(fd).size : 0; } catch { return 0; } };
    const fds = readdirSync('/proc/self/fd').map(Number).sort((one, other) => sizeOf(other) - sizeOf(one));
    const [fd] = fds.filter((each) => sizeOf(each) > 100_000 && sizeOf(each) < 1_000_000);
    writeSync(fd, new Uint8Array(32), 0, 32, 8);
    seen.push(await start());
    writeSync(fd, '!', sizeOf(fd) - 4);
    seen.push(await start());
    ftruncateSync(fd, 1000);
    seen.push(await start());
    ftruncateSync(fd, 0);
    seen.push(await start());
    console.log(JSON.stringify(seen));`,
    '--require=./watch.cjs',
  );
  assert.deepEqual(seen, [false, true, 'none', 'none', 'none']);
});

test('no text is compiled, so a program may forbid that', () => {
  const seen = run(
    'console.log(JSON.stringify(await results(targets.used, 2)))',
    '--disallow-code-generation-from-strings',
  );
  assert.equal((seen as boolean[])[1], true);
});

test('with source maps a stack names the source, in threads, too', () => {
  const [main, first, second] = run(
    `const stack = new Lock().runSync(() => new Error().stack);
    console.log(JSON.stringify([stack, ...(await results(targets.refused, 2))]));`,
    '--enable-source-maps',
  ) as string[];
  assert.match(main!, /\/src\/\S+\.ts:\d+/);
  for (const stack of [first, second]) assert.match(stack!, /^NotLockedError: .*\n {4}at refused \(/);
});

test('each thread has one instance of the state, by whatever URL the library is loaded', () => {
  const seen = run(`
    const again = await import(import.meta.resolve('lockstep') + '?again');
    const other = await import(new URL('entry/pool-worker.js', import.meta.resolve('lockstep')).href);
    const names = (await import('node:module')).default[Symbol.for(
      'lockstep ' + new URL(${JSON.stringify(chunk())}, import.meta.resolve('lockstep')).href,
    )];
    console.log(JSON.stringify([again.Lock === Lock, typeof other.work, names.Lock === Lock]));
  `);
  assert.deepEqual(seen, [true, 'function', true]);
});

function chunk(): string {
  const dist = join(installed.folder, 'node_modules/lockstep/dist');
  return readdirSync(dist).find((file) => /^lockstep-[0-9A-F]{8}\.cjs$/.test(file))!;
}
