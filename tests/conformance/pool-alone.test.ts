/** Calls one after the other: nobody is woken for them while the worker that ran last is awake. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool, Queue, ThreadPool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { run } from '../support/programs.ts';

const CALLS = 500;
const KILLS = 4;

for (const Kind of [Pool, ThreadPool]) {
  test(`${Kind.name}: the event loop has its turns between calls that follow each other`, async () => {
    await using pool = new Kind(2);
    let turns = 0;
    let counts = true;
    const count = (): void => {
      turns++;
      if (counts) setImmediate(count);
    };
    setImmediate(count);
    const workers = new Set<number>();
    for (let n = 0; n < CALLS; n++) workers.add(await pool.apply(targets.whoami));
    counts = false;
    assert.ok(turns > 1, `${turns} turns`);
    assert.ok(workers.size > 0 && !workers.has(process.pid));
  });
}

test('a worker that is killed while it is awake holds up no call', async () => {
  await using pool = new Pool(2);
  for (let n = 0; n < KILLS; n++) {
    const last = await pool.apply(targets.whoami);
    // In the same step: it still polls for its next task, and the next call counts on that.
    process.kill(last, 'SIGKILL');
    assert.notEqual(await pool.apply(targets.whoami, [], { retries: 2 }), last);
  }
});

test('a call that blocks wakes up a worker, though another was awake and is killed', async () => {
  await using pool = new Pool(2);
  for (let n = 0; n < KILLS; n++) {
    const last = await pool.apply(targets.whoami);
    process.kill(last, 'SIGKILL');
    assert.notEqual(pool.applySync(targets.whoami, [], { retries: 2 }), last);
  }
});

test('a worker that has run its last task is not counted on, though the thread blocks', async () => {
  await using pool = new Pool({ processes: 2, maxTasksPerChild: 1 });
  using log = new Queue<number>();
  await pool.apply(targets.whoami);
  const call = pool.apply(targets.noteRun, [log, 1]);
  assert.equal(log.getSync({ timeout: 30_000 }), 1);
  await call;
});

for (const Kind of [Pool, ThreadPool]) {
  test(`${Kind.name}: a task that reports without a pause keeps no timer of its pool's thread waiting`, async () => {
    await using pool = new Kind(2);
    const controller = new AbortController();
    let reports = 0;
    const onReport = (): void => {
      if (++reports === 100) setTimeout(() => controller.abort(new Error('by a timer')), 10);
    };
    const { signal } = controller;
    await assert.rejects(pool.apply(targets.reportUntilAborted, [], { signal, onReport }), /by a timer/);
  });
}

test('calls are done while no descriptor is left for the bell, and afterwards', async () => {
  const { stdout, stderr } = await run('pool-no-descriptors', {
    within: ['sh', '-c', 'ulimit -n 128; exec "$@"', 'sh'],
  });
  const results = Array.from({ length: 6 }, () => [4, [6, 8]]).flat();
  assert.deepEqual(
    { ...JSON.parse(stdout || '{}'), stderr },
    { code: 'EMFILE', results, unhandled: [], stderr: '' },
  );
});
