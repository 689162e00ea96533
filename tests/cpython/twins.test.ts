/**
 * The programs of the tour and their Python twins print the same. Times, pids, numbers that depend
 * on the moment, and the order in which processes and threads come to print may differ.
 */

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import '../support/sandbox.ts';
import { describe, it } from 'node:test';
import { HANG_MS } from '../support/until.ts';

const TOUR = new URL('../../examples/tour/', import.meta.url);
const PYTHON = new URL('../../../examples/python/', import.meta.url);

/** By the name of the program in the tour, where the twin's is another. */
const OTHER_NAMES: Record<string, string> = {
  // A module `queue` would hide Python's own from `multiprocessing`.
  queue: 'queue_of_jobs',
};

/** Files of the tour that are not programs. */
const PARTS = ['index.js', 'check.js', 'service.js', 'redis-server.js'];

/** Programs over a Redis server, for which Python's standard library has no client. */
const WITHOUT_TWIN = /^cluster/;

/** Lines that only one of the two prints, and why. */
const ONLY_ONE: Record<string, { lines: RegExp; why: string }> = {
  deadlock: {
    lines: /DeadlockError|and waits for|^take locks|is told|gives up|one was told|one gave up/,
    why: 'Python reports no deadlock: its twin gives up after a time',
  },
  'recursive-lock': { lines: /held once, twice/, why: 'an RLock of Python does not tell its depth' },
  pipe: { lines: / → /, why: 'objects are printed in the way of the language' },
  processes: {
    lines: /^\s+at |^Traceback|^ +|Error|error|daemon|host|^Process |^\s*$/,
    why: 'errors are printed in the way of the language, and stay in the process that threw them; no lock is freed by a death',
  },
  'pool-crash': {
    lines: /^ {2}|is lost|two workers again/,
    why: 'an executor of Python is broken by the death of one worker, and loses all calls that wait',
  },
  'pool-cancel': {
    lines: /one that asks nothing|next task|only a new pool/,
    why: 'Python can kill a worker, but then the whole executor is broken',
  },
  stuck: {
    lines: /./,
    why: 'Python shows stacks; it does not know the holders of locks, and never frees a lock of a dead one',
  },
};

const version = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']);
const skip = version.status === 0 ? false : 'there is no python3 of version 3.8 or later here';

const programs = readdirSync(TOUR)
  .filter((file) => /^[\w-]+\.js$/.test(file) && !PARTS.includes(file))
  .map((file) => file.slice(0, -'.js'.length))
  .filter((program) => !WITHOUT_TWIN.test(program));

function twinOf(program: string): URL {
  return new URL(`${OTHER_NAMES[program] ?? program.replaceAll('-', '_')}.py`, PYTHON);
}

async function printed(command: string, file: URL): Promise<string[]> {
  const options = { env: { ...process.env, NODE_TEST_CONTEXT: undefined, PYTHONDONTWRITEBYTECODE: '1' } };
  const { stdout } = await promisify(execFile)(command, [fileURLToPath(file)], options).catch(
    (error: Error & { stdout: string }) => assert.fail(`${error.message}\n${error.stdout}`),
  );
  return stdout.split('\n').filter((line) => line.trim() !== '');
}

/** The text of a line, without the parts that differ from run to run. */
function shapeOf(line: string): string {
  return line.replace(/[●○]+/g, '•').replace(/■+/g, '■').replace(/\d+/g, '#').replace(/ +/g, ' ').trim();
}

function shapes(lines: string[], program: string): string[] {
  const only = ONLY_ONE[program]?.lines;
  return [...new Set(lines.filter((line) => only?.test(line) !== true).map(shapeOf))].sort();
}

/** The checks of the program, in their order. */
function checks(lines: string[], program: string): string[] {
  const only = ONLY_ONE[program]?.lines;
  return lines.filter((line) => /^[✓✗]/.test(line) && only?.test(line) !== true).map(shapeOf);
}

describe('The Python twin', { concurrency: 2, timeout: HANG_MS, skip }, () => {
  for (const program of programs) {
    it(`of ${program} prints what that does`, async () => {
      assert.ok(existsSync(twinOf(program)), `there is no ${fileURLToPath(twinOf(program))}`);
      const own = await printed(process.execPath, new URL(`${program}.js`, TOUR));
      const twins = await printed('python3', twinOf(program));
      for (const lines of [own, twins]) assert.ok(lines.some((line) => line.startsWith('✓')));
      assert.deepEqual(checks(twins, program), checks(own, program));
      assert.deepEqual(shapes(twins, program), shapes(own, program));
    });
  }
});
