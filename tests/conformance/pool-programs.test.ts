/** Pools in programs of their own: a heap that is full, and what workers print. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HANG_MS } from '../support/until.ts';

const program = (name: string): string => fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url));

/** What `prints-much` prints. The lines of two workers may mix, as a pipe takes 4 kB at a time. */
const TASKS = 40;
const LINE_BYTES = 40_001;
/** What a reader does before it reads, and longer than a worker takes to end. Milliseconds. */
const READER_IS_SLOW = 300;

it('a worker that fills its heap is reported as that, a process and a thread', { timeout: HANG_MS }, () => {
  // Node describes the full heap of a process at length on standard error.
  const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=40', program('fills-heap')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.equal(status, 0);
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, 2);
  for (const line of lines) {
    const { outOfMemory, task, message, causes, next } = JSON.parse(line);
    assert.equal(outOfMemory, true);
    assert.equal(task, 'fillHeap()');
    assert.match(message, /that was running fillHeap\(\) .*--max-old-space-size/);
    assert.equal(causes.outOfMemory, 1);
    assert.equal(next, 9);
  }
});

it('workers that print go on when the reader has gone', { timeout: HANG_MS }, async () => {
  const child = spawn(process.execPath, [program('prints-for-nobody')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  assert.deepEqual(await ended, [0, null]);
});

it('all that workers print arrives, however slow its reader is', { timeout: HANG_MS }, async () => {
  const child = spawn(process.execPath, [program('prints-much')], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  await once(child.stderr, 'data');
  await sleep(READER_IS_SLOW);
  let bytes = 0;
  for await (const part of child.stdout) bytes += (part as Buffer).length;
  assert.equal(bytes, TASKS * LINE_BYTES);
  assert.deepEqual(await ended, [0, null]);
});
