/**
 * On another system the package can be imported, with its errors; the first use of shared memory
 * says what is supported.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lock } from '../../src/index.ts';
import { usersEnvironment } from '../support/environment.ts';
import { sandbox } from '../support/sandbox.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const ENTRIES = {
  'the bundle': join(ROOT, 'dist/index.js'),
  'the modules': join(ROOT, 'build/src/index.js'),
};

/** Uses whatever shares memory, and what does not. */
const PROGRAM = `
Object.defineProperty(process, 'platform', { value: process.argv[3] });
const lockstep = await import(process.argv[2]);
const { Barrier, currentProcess, Event, isMainProcess, Lock, LockstepError, openShared, Pipe, Process, Queue, SharedMemory, struct,
  Thread, ThreadLocal, Timer, UnsupportedPlatformError, Value } = lockstep;
const target = { module: 'node:path', export: 'join' };
const uses = {
  Lock: () => new Lock(), named: () => new Lock({ name: 'a' }), Queue: () => new Queue(), Pipe: () => Pipe(), Event: () => new Event(),
  Barrier: () => new Barrier(1), Value: () => new Value('i32'), SharedMemory: () => new SharedMemory({ size: 1, create: true }),
  record: () => new (struct({ x: 'i32' }))(), open: () => openShared(process.argv[4]),
  Process: () => new Process({ target }).start(), Thread: () => new Thread({ target }).start(),
};
const seen = {};
for (const [name, use] of Object.entries(uses)) {
  try { use(); seen[name] = 'no error'; } catch (error) {
    seen[name] = error instanceof UnsupportedPlatformError && error instanceof LockstepError ? error.code : String(error);
    if (name === 'Lock') seen.message = error.message;
  }
}
const timed = await new Promise((resolve) => new Timer(1, resolve, 'in time').start());
const local = new ThreadLocal(() => 5).value;
const koffi = Object.keys((await import('node:module')).createRequire(process.argv[2]).cache).filter((path) => path.includes('koffi'));
console.log(JSON.stringify({ seen, timed, local, isMainProcess, name: currentProcess().name, koffi, exports: Object.keys(lockstep).length }));
`;

for (const [what, entry] of Object.entries(ENTRIES)) {
  describe(`${what} on a system that is not supported`, () => {
    for (const system of ['darwin', 'win32']) {
      it(`loads on ${system}, and says what is supported where memory is shared`, () => {
        using lock = new Lock();
        const program = join(sandbox, 'unsupported.mjs');
        writeFileSync(program, PROGRAM);
        const { stdout, stderr } = spawnSync(process.execPath, [program, entry, system, lock.handle], {
          env: usersEnvironment(),
          encoding: 'utf8',
        });
        rmSync(program);
        assert.equal(stderr, '');
        const { seen, timed, local, isMainProcess, name, koffi, exports } = JSON.parse(stdout) as {
          seen: Record<string, string>;
          exports: number;
          koffi: string[];
          [other: string]: unknown;
        };
        const { message, ...codes } = seen;
        assert.equal(Object.keys(codes).length, 12);
        for (const [use, code] of Object.entries(codes)) {
          assert.equal(code, 'ERR_LOCKSTEP_UNSUPPORTED_PLATFORM', use);
        }
        assert.match(
          message!,
          new RegExp(
            `^lockstep: can't share memory, this is ${system} on ${process.arch} and supported is Linux on x64, .*; run the program on Linux,`,
          ),
        );
        assert.deepEqual(
          { timed, local, isMainProcess, name, koffi },
          { timed: 'in time', local: 5, isMainProcess: true, name: 'MainProcess', koffi: [] },
        );
        assert.ok(exports > 50, `${exports} exports`);
      });
    }
  });
}
