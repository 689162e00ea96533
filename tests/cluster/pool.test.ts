/** The pool of the cluster over real servers: by both engines of BullMQ, with real workers. */

import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { Cluster, ConnectOptions } from 'lockstep/cluster';
import { connect, TargetError } from 'lockstep/cluster';
import { connect as connectToMemory } from 'lockstep/memory';
import pg from 'pg';
import { createClient } from 'redis';
import { HANG_MS, until } from '../support/until.ts';
import {
  add,
  fails,
  failsFor,
  failsOn,
  failsWithFields,
  later,
  notes,
  square,
  standsStill,
  throwsValue,
} from './pool/functions.ts';
import { PostgresServer } from './servers/postgres.ts';
import { RedisServer } from './servers/redis.ts';

const WORKER = fileURLToPath(new URL('./pool/worker.js', import.meta.url));
/** A worker that dies is noticed within two of them. */
const LEASE_MS = 1_000;

function poolCases(
  title: string,
  start: () => Promise<{ options: ConnectOptions; stop(): Promise<void> }>,
): void {
  describe(`cluster.pool: ${title}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-pool-'));
    const workers: ChildProcess[] = [];
    let server: Awaited<ReturnType<typeof start>>;
    let cluster: Cluster;

    const enter = async (): Promise<void> => {
      const worker = fork(WORKER, [JSON.stringify({ ...server.options, lease: LEASE_MS })]);
      workers.push(worker);
      await once(worker, 'message');
    };

    /** Those that have begun; a line that is still being written does not count. */
    const pidsIn = (file: string): number[] =>
      existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [];
    const killWorker = (pid: number): void => {
      const worker = workers.find((each) => each.pid === pid);
      assert.ok(worker, `${pid} must be a worker's`);
      worker.kill('SIGKILL');
    };

    before(async () => {
      server = await start();
      cluster = await connect({ ...server.options, lease: LEASE_MS });
      await Promise.all([enter(), enter()]);
    });
    after(async () => {
      for (const worker of workers) worker.kill('SIGKILL');
      await cluster.close();
      await server.stop();
      rmSync(folder, { recursive: true });
    });

    it('runs a function by its name, and gives what it returns', async () => {
      const pool = cluster.pool('tests');
      assert.equal(await pool.apply(square, [12]), 144);
      const value = { list: [1, 2], when: new Date(5), map: new Map([[1, 'a']]), none: undefined };
      assert.deepEqual(await pool.apply(later, [value]), value);
      assert.equal(await pool.apply('later', [undefined]), undefined);
      await pool.close();
    });

    it('rejects with what the function threw: its name, message, stack and code', async () => {
      const pool = cluster.pool('tests');
      await assert.rejects(pool.apply(fails, ['no']), (error: Error & { code?: string }) => {
        assert.deepEqual([error.name, error.message, error.code], ['RangeError', 'no', 'ERR_OF_MINE']);
        assert.match(error.stack!, /functions\.(js|ts)(.*\n)*.*-- in a worker, called --(.*\n)*.*pool\.test/);
        return true;
      });
      await pool.close();
    });

    it('keeps the causes of an error, and values that are no errors', async () => {
      const pool = cluster.pool('tests');
      await assert.rejects(pool.apply(failsFor, [{ a: 1 }]), (error: Error) => {
        assert.ok(error instanceof RangeError);
        assert.deepEqual(error.cause, { a: 1 });
        return true;
      });
      await assert.rejects(pool.apply(failsWithFields), (error: Error & { extra?: unknown }) => {
        assert.ok(error instanceof TypeError);
        assert.deepEqual(error.extra, { of: [5] });
        const { cause } = error;
        assert.ok(cause instanceof AggregateError && cause.errors[0] instanceof RangeError);
        assert.equal(cause.errors[1], 'two');
        return true;
      });
      await assert.rejects(pool.apply('nobody serves it'), (error) => error instanceof TargetError);
      await assert.rejects(pool.apply(throwsValue, [{ a: 1 }]), { a: 1 });
      await pool.close();
    });

    it('starmap, and streams of results in their order or not', { timeout: HANG_MS }, async () => {
      const pool = cluster.pool('tests');
      const pairs = [1, 2, 3].map((n) => [n, 10 * n] as const);
      assert.deepEqual(await pool.starmap(add, pairs), [11, 22, 33]);
      const items = Array.from({ length: 20 }, (_, n) => n);
      const seen: number[] = [];
      for await (const result of pool.imap(square, items, { ahead: 3 })) seen.push(result);
      assert.deepEqual(
        seen,
        items.map((n) => n * n),
      );
      const unordered = new Set<number>();
      for await (const result of pool.imapUnordered(square, items)) unordered.add(result);
      assert.deepEqual(unordered, new Set(seen));
      const reading = async (): Promise<void> => {
        for await (const result of pool.imap(failsOn, [1, 2, 3])) assert.equal(result, 1);
      };
      await assert.rejects(reading(), /even: 2/);
      await pool.close();
    });

    it('a call is given up by a close right after it', { timeout: HANG_MS }, async () => {
      const other = await connect({ ...server.options, lease: LEASE_MS });
      const call = assert.rejects(other.pool('tests').apply(later, [1]), { code: 'ERR_LOCKSTEP_CLOSED' });
      await other.close();
      await call;
    });

    it('maps items in their order; a failure rejects the map, or is settled', async () => {
      const pool = cluster.pool('tests');
      const items = Array.from({ length: 50 }, (_, n) => n);
      assert.deepEqual(
        await pool.map(square, items),
        items.map((n) => n * n),
      );
      assert.deepEqual(
        await pool.map(square, items.values(), { chunkSize: 7 }),
        await pool.map(square, items),
      );
      assert.deepEqual(await pool.map(square, []), []);
      await assert.rejects(pool.map(failsOn, [1, 2, 3, 4]), /even: 2/);
      const settled = await pool.map(failsOn, [1, 2], { settled: true });
      assert.deepEqual(
        settled.map(({ status }) => status),
        ['fulfilled', 'rejected'],
      );
      await pool.close();
    });

    it('a task whose worker is killed runs again in another', { timeout: HANG_MS }, async () => {
      const pool = cluster.pool('tests');
      const file = join(folder, 'killed');
      const task = pool.apply(standsStill, [file, 1]);
      await until(() => pidsIn(file).length === 1, 'the task to begin');
      killWorker(pidsIn(file)[0]!);
      assert.equal(await task, 'run 2');
      await enter();
      await pool.close();
    });

    it('a task that kills every worker is given up', { timeout: HANG_MS }, async () => {
      const pool = cluster.pool('tests');
      const file = join(folder, 'deadly');
      const task = pool.apply(standsStill, [file, 9]);
      const given = assert.rejects(task, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_LOCKSTEP_WORKER_DIED');
        assert.match(error.stack!, /^.*\n {4}at .*pool\.test/);
        return true;
      });
      for (let run = 1; run <= 2; run++) {
        await until(() => pidsIn(file).length === run, `run ${run} to begin`);
        killWorker(pidsIn(file)[run - 1]!);
        await enter();
      }
      await given;
      assert.equal(pidsIn(file).length, 2);
      await pool.close();
    });

    it('a call that is cancelled no longer begins', { timeout: HANG_MS }, async () => {
      const pool = cluster.pool('unserved');
      const file = join(folder, 'given-up');
      await assert.rejects(pool.apply(notes, [file], { timeout: 30 }), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ERR_LOCKSTEP_TASK_TIMEOUT');
        assert.match(error.stack!, /^.*\n {4}at .*pool\.test/);
        return true;
      });
      const gone = AbortSignal.abort(new Error('no more'));
      await assert.rejects(pool.apply(notes, [file], { signal: gone }), /no more/);
      const control = new AbortController();
      const aborted = assert.rejects(pool.apply(notes, [file], { signal: control.signal }), /no more/);
      await until(async () => (await pool.describe()).waiting === 1, 'the job to be there');
      control.abort(new Error('no more'));
      await aborted;
      // A call that is given up rejects at once; its job goes behind its back.
      await until(async () => (await pool.describe()).waiting === 0, 'the jobs to be withdrawn');
      assert.deepEqual(await pool.describe(), {
        kind: 'Pool',
        name: 'unserved',
        waiting: 0,
        running: 0,
        workers: 0,
      });
      await using service = await pool.serve({ square, notes });
      assert.equal(await pool.apply(square, [3]), 9);
      assert.equal(existsSync(file), false);
      await assert.rejects(pool.apply('missing'), { code: 'ERR_LOCKSTEP_TARGET' });
      await service.close();
      await pool.close();
    });

    it('refuses what can not be run, and calls after its end', async () => {
      const pool = cluster.pool('refusals');
      const invalid = { code: 'ERR_LOCKSTEP_INVALID_TYPE' };
      await assert.rejects(pool.apply(undefined as never), invalid);
      await assert.rejects(
        pool.apply(
          (
            () => (n: number) =>
              n
          )(),
        ),
        /has no name/,
      );
      await assert.rejects(pool.apply(square, 3 as never), /pass an array/);
      await assert.rejects(pool.apply(later, [() => 1]), { code: 'ERR_LOCKSTEP_NOT_SENDABLE' });
      await assert.rejects(pool.apply(square, [1], { timout: 5 } as never), invalid);
      await assert.rejects(pool.apply(square, [1], { retries: 2 } as never), /`retries`.*pass it to `serve`/);
      await assert.rejects(
        pool.map(square, [1], { onProgress: later } as never),
        /`onProgress`.*`cluster.value`/,
      );
      await assert.rejects(pool.apply(square, [1], { timeout: '5' as never }), invalid);
      await assert.rejects(pool.serve({ square: 1 as never }), invalid);
      await assert.rejects(pool.serve(undefined as never), /pass \{ name: function \}/);
      await assert.rejects(pool.serve({ square }, { concurrency: 0 }), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
      const open = assert.rejects(pool.apply(square, [1]), { code: 'ERR_LOCKSTEP_CLOSED' });
      await until(async () => (await pool.describe()).waiting === 1, 'the job to be there');
      await pool.close();
      await open;
      await assert.rejects(pool.apply(square, [1]), { code: 'ERR_LOCKSTEP_CLOSED' });
    });
  });
}

poolCases('Redis', async () => {
  const server = await RedisServer.start();
  return { options: { redis: server.url }, stop: () => server.stop() };
});
poolCases('PostgreSQL', async () => {
  const server = await PostgresServer.start();
  return { options: { postgres: server.url }, stop: () => server.stop() };
});

it('PostgreSQL: ends at the same time are all noticed long before a lease is over', {
  timeout: HANG_MS,
}, async () => {
  const server = await PostgresServer.start();
  const cluster = await connect({ postgres: server.url, lease: 4 * HANG_MS });
  try {
    const pool = cluster.pool('many');
    await pool.serve({ square }, { concurrency: 8 });
    const items = Array.from({ length: 40 }, (_, n) => n);
    for (let round = 0; round < 3; round++) {
      const squares = await Promise.all(items.map((n) => pool.apply(square, [n])));
      assert.deepEqual(
        squares,
        items.map((n) => n * n),
      );
    }
  } finally {
    await cluster.close();
    await server.stop();
  }
});

it("a pool over clients of the program's own", { timeout: HANG_MS }, async () => {
  const [redis, postgres] = [await RedisServer.start(), await PostgresServer.start()];
  // BullMQ can't do with a prefix of the client's; locks have it.
  const clients = [new Redis(redis.url, { keyPrefix: 'app:' }), createClient({ url: redis.url })] as const;
  await clients[1].connect();
  const pool = new pg.Pool({ connectionString: postgres.url });
  pool.on('error', () => {});
  for (const options of [{ redis: clients[0] }, { redis: clients[1] }, { postgres: pool }]) {
    const cluster = await connect(options);
    const tasks = cluster.pool('own');
    await tasks.serve({ square });
    assert.deepEqual(await tasks.map(square, [1, 2, 3]), [1, 4, 9]);
    await cluster.close();
  }
  clients[0].disconnect();
  clients[1].destroy();
  await pool.end();
  await Promise.all([redis.stop(), postgres.stop()]);
});

it('the memory store has no pool', async () => {
  await using cluster = await connectToMemory();
  assert.throws(() => cluster.pool('tasks'), { code: 'ERR_LOCKSTEP_STORE' });
});
