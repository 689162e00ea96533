/** A Pool's spare: the process that becomes the next worker. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Pool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

/** Pids of this thread's child processes. */
function children(): number[] {
  const text = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

async function untilChildren(count: number): Promise<number[]> {
  await until(() => children().length === count, `${count} child processes`);
  return children();
}

test('the next worker is the process that was kept for it, and another is kept', async () => {
  const pool = new Pool({ processes: 1 });
  const first = await pool.apply(targets.whoami);
  const spare = (await untilChildren(2)).find((pid) => pid !== first);
  await rejection(pool.apply(targets.killSelf));
  const second = await pool.apply(targets.whoami);
  assert.equal(second, spare);
  const next = (await untilChildren(2)).find((pid) => pid !== second);
  process.kill(second, 'SIGKILL');
  assert.equal(await pool.apply(targets.whoami, [], { retries: 1 }), next);
  const { starts, causes } = pool.stats;
  assert.deepEqual([starts.warm, starts.cold, causes.signal], [2, 1, 2]);
  await pool.close();
  await untilChildren(0);
});

test('warm says how many spares are kept, and 0 keeps none', async () => {
  const two = new Pool({ processes: 1, warm: 2 });
  await two.ready;
  await untilChildren(3);
  await two.terminate();
  const none = new Pool({ processes: 1, warm: 0 });
  const first = await none.apply(targets.whoami);
  await rejection(none.apply(targets.killSelf));
  assert.notEqual(await none.apply(targets.whoami), first);
  assert.equal(children().length, 1);
  await none.close();
  await untilChildren(0);
});

test('a spare that was killed costs a cold start, and nothing else', async () => {
  const pool = new Pool({ processes: 1 });
  const first = await pool.apply(targets.whoami);
  const spare = (await untilChildren(2)).find((pid) => pid !== first)!;
  process.kill(spare, 'SIGKILL');
  await rejection(pool.apply(targets.killSelf));
  const second = await pool.apply(targets.whoami);
  assert.ok(second !== first && second !== spare);
  await pool.terminate();
  await untilChildren(0);
});

test('a spare has the variables of the moment when it becomes a worker', async () => {
  const pool = new Pool({ processes: 1 });
  const first = await pool.apply(targets.whoami);
  const spare = (await untilChildren(2)).find((pid) => pid !== first);
  process.env.POOL_SPARE_TEST = 'later';
  await rejection(pool.apply(targets.killSelf));
  assert.equal(await pool.apply(targets.variable, ['POOL_SPARE_TEST']), 'later');
  assert.equal(await pool.apply(targets.whoami), spare);
  delete process.env.POOL_SPARE_TEST;
  await pool.close();
});
