/** Workers that Lockstep did not start: they know a name. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Lock, Value } from 'lockstep';
import { Piscina } from 'piscina';
import Tinypool from 'tinypool';
import { run } from '../support/programs.ts';
import { HANG_MS, until } from '../support/until.ts';

const WORKERS = 4;
const TIMES = 500;
const FILE = new URL('../programs/pool-worker.js', import.meta.url);
const PLAIN = new URL('../programs/plain-worker.js', import.meta.url);

/** Where the names are: told, as tinypool's child processes inherit no environment. */
const env = process.env as Record<string, string>;

/** The calls of any kind of pool. */
interface Pool {
  run(argument: number, options: { name: string; signal?: AbortSignal }): Promise<unknown>;
  destroy(): Promise<unknown>;
}

const POOLS: readonly { make: string; pool: (size: number) => Pool }[] = [
  {
    make: 'piscina',
    pool: (size) => new Piscina({ filename: FILE.href, minThreads: size, maxThreads: size }),
  },
  ...(['worker_threads', 'child_process'] as const).map((runtime) => ({
    make: `tinypool (${runtime})`,
    pool: (size: number) =>
      new Tinypool({
        filename: FILE.href,
        minThreads: size,
        maxThreads: size,
        runtime,
        env,
      }) as Pool,
  })),
];

describe('workers that were not started by Lockstep', { timeout: HANG_MS }, () => {
  let lock: Lock;
  let total: Value<'i32'>;
  let held: Value<'i32'>;
  beforeEach(() => {
    lock = new Lock({ name: 'pooled' });
    total = new Value('i32', 0, { name: 'pooled-total', lock: false });
    held = new Value('i32', 0, { name: 'pooled-held', lock: false });
  });
  afterEach(() => {
    for (const object of [lock, total, held]) object.close();
  });

  /** The next one to take the lock, after its holder was ended. */
  async function assertRecovered(): Promise<void> {
    const hold = await lock.acquire();
    assert.equal(hold.recovered, true);
    hold.release();
    assert.equal(await lock.run(async () => total.value), total.value);
  }

  it('count exactly under a named lock: those of node:cluster', async () => {
    const { code, stdout, stderr } = await run('in-cluster', { args: [String(TIMES)] });
    assert.deepEqual([code, stderr], [0, '']);
    assert.deepEqual(JSON.parse(stdout), { total: WORKERS * TIMES, codes: Array(WORKERS).fill(0) });
  });

  it('count exactly under a named lock: those of node:worker_threads', async () => {
    const workers = Array.from(
      { length: WORKERS },
      () => new Worker(PLAIN, { argv: ['adds', String(TIMES)] }),
    );
    const endings = await Promise.all(workers.map((worker) => once(worker, 'exit')));
    assert.deepEqual(endings, Array(WORKERS).fill([0]));
    assert.equal(total.value, WORKERS * TIMES);
  });

  it('lose a lock that they hold when they are terminated: those of node:worker_threads', async () => {
    for (let time = 1; time <= 5; time++) {
      const worker = new Worker(PLAIN, { argv: ['keeps'] });
      await until(() => held.value === time, 'the worker to hold the lock');
      assert.equal(lock.owner?.threadId, worker.threadId);
      assert.equal(lock.tryAcquire(), null);
      await worker.terminate();
      await assertRecovered();
    }
  });

  for (const { make, pool } of POOLS) {
    it(`count exactly under a named lock: those of ${make}`, async () => {
      const workers = pool(WORKERS);
      try {
        // They meet first: Node can abort the process when a worker is terminated that is still
        // loading its modules.
        await Promise.all(Array.from({ length: WORKERS }, () => workers.run(WORKERS, { name: 'meets' })));
        const tasks = Array.from({ length: 2 * WORKERS }, () => workers.run(TIMES, { name: 'adds' }));
        assert.deepEqual(await Promise.all(tasks), Array(2 * WORKERS).fill(TIMES));
        assert.equal(total.value, 2 * WORKERS * TIMES);
        assert.equal(lock.locked, false);
      } finally {
        await workers.destroy();
      }
    });

    it(`lose a lock that they hold when their pool ends them: those of ${make}`, async () => {
      const workers = pool(1);
      const task = workers.run(0, { name: 'keeps' }).catch((error: unknown) => error);
      await until(() => held.value === 1, 'a worker to hold the lock');
      assert.equal(lock.tryAcquire(), null);
      await workers.destroy();
      assert.ok((await task) instanceof Error);
      await assertRecovered();
    });
  }
});
