/** Pools: a broadcast runs a function once in each worker that the pool has. */

import assert from 'node:assert/strict';
import { ClosedError, Event, InvalidTypeError, Queue, RawArray, WorkerDiedError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { PoolStage } from '../support/pools.ts';
import { poolSuite, rejection } from '../support/pools.ts';

const ids = (pool: { stats: { workers: { id: number }[] } }): number[] =>
  pool.stats.workers.map(({ id }) => id).sort((one, other) => one - other);

const sorted = (numbers: unknown[]): unknown[] => numbers.sort((one, other) => Number(one) - Number(other));

poolSuite('broadcast', (stage: PoolStage) => {
  stage.it('runs once in every worker, also in those that are still starting', () =>
    stage.withPool({ processes: 3 }, async (pool) => {
      assert.deepEqual(sorted(await pool.broadcast(targets.whoami)), ids(pool));
      using counts = new RawArray('i32', 1);
      const calls = Array.from({ length: 20 }, () => pool.broadcast(targets.countRun, [counts, 0]));
      const others = Array.from({ length: 20 }, (_, n) => pool.apply(targets.add, [n, 1], { key: n % 2 }));
      for (const results of await Promise.all(calls)) assert.deepEqual(results, [0, 0, 0]);
      await Promise.all(others);
      assert.equal(counts.view[0], 60);
    }),
  );

  stage.it('waits for the tasks that run, and holds up no others', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await pool.ready;
      const [began, go] = [new Queue<number>(), new Event()];
      const busy = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      let isOver = false;
      const all = pool.broadcast(targets.whoami).finally(() => {
        isOver = true;
      });
      for (let n = 0; n < 50; n++) assert.equal(await pool.apply(targets.add, [n, 1]), n + 1);
      assert.equal(isOver, false);
      go.set();
      await busy;
      assert.deepEqual(sorted(await all), ids(pool));
    }),
  );

  stage.it('rejects with the first error when all have ended; settled resolves to all outcomes', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using counts = new RawArray('i32', 2);
      const error = await rejection(pool.broadcast(targets.failFirst, [counts, 0]));
      assert.match(error.message, /^failed with 0/);
      assert.equal(counts.view[0], 2);
      const outcomes = await pool.broadcast(targets.failFirst, [counts, 1], { settled: true });
      assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal((await rejection(pool.broadcast(targets.same, [() => 1]))).name, 'NotSendableError');
    }),
  );

  stage.it('a worker that dies in its call, or before it, is an error; the others run it', () =>
    stage.withPool({ processes: 2, retries: 3 }, async (pool) => {
      using counts = new RawArray('i32', 2);
      const died = await pool.broadcast(targets.endFirst, [counts, 0], { settled: true });
      assert.deepEqual(died.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      assert.equal(counts.view[0], 2, 'it is not run again');
      await pool.ready;
      const [began, go] = [new Queue<number>(), new Event()];
      const busy = rejection(pool.apply(targets.exitOn, [began, go], { retries: 0 }));
      await began.get();
      const call = rejection(pool.broadcast(targets.countRun, [counts, 1]));
      go.set();
      assert.ok((await busy) instanceof WorkerDiedError);
      const error = await call;
      assert.ok(error instanceof WorkerDiedError);
      assert.match(error.message, /that was to run countRun/);
      assert.equal(counts.view[1], 1);
      await pool.ready;
      assert.equal((await pool.broadcast(targets.whoami)).length, 2);
    }),
  );

  stage.it('a worker that is replaced as planned before its call is left out', () =>
    stage.withPool({ processes: 2, maxTasksPerChild: 1 }, async (pool) => {
      await pool.ready;
      const [began, go] = [new Queue<number>(), new Event()];
      const busy = pool.apply(targets.runUntil, [began, go]);
      const retired = await began.get();
      const all = pool.broadcast(targets.whoami);
      const others = ids(pool).filter((id) => id !== retired);
      go.set();
      await busy;
      assert.deepEqual(await all, others);
      assert.equal(pool.stats.failed, 0);
    }),
  );

  stage.it('ends with its signal, and with its pool', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await pool.ready;
      const [began, go] = [new Queue<number>(), new Event()];
      using counts = new RawArray('i32', 2);
      const busy = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const controller = new AbortController();
      const call = rejection(pool.broadcast(targets.countRun, [counts, 0], { signal: controller.signal }));
      controller.abort(new Error('enough'));
      assert.equal((await call).message, 'enough');
      const withTime = rejection(pool.broadcast(targets.countRun, [counts, 0], { queueTimeout: 1 }));
      assert.equal((await withTime).name, 'TaskTimeoutError');
      go.set();
      await busy;
      const last = pool.broadcast(targets.countRun, [counts, 1]);
      await pool.close();
      assert.deepEqual(await last, [1, 1]);
      assert.ok(counts.view[0]! <= 2);
      assert.equal(counts.view[1], 2);
      assert.ok((await rejection(pool.broadcast(targets.whoami))) instanceof ClosedError);
    }),
  );

  stage.it('a terminated pool rejects it', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const [began, go] = [new Queue<number>(), new Event()];
      const call = rejection(pool.broadcast(targets.runUntil, [began, go]));
      await began.get();
      void pool.terminate();
      assert.ok((await call) instanceof ClosedError);
    }),
  );

  stage.it('without workers there are no results; with processes: 0 there is one', () =>
    stage.withPool({ processes: { min: 0, max: 2 } }, async (pool) => {
      assert.deepEqual(await pool.broadcast(targets.whoami), []);
      await stage.withPool({ processes: 0 }, async (here) => {
        assert.equal((await here.broadcast(targets.add, [1, 2]))[0], 3);
      });
    }),
  );

  stage.it('refuses what is wrong', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const refused = (error: Error): void => {
        assert.ok(error instanceof InvalidTypeError);
        assert.match(error.message, /refused/);
      };
      refused(await rejection(pool.broadcast(targets.whoami, [], { retries: 1 } as object)));
      refused(await rejection(pool.broadcast(targets.whoami, [], { settled: 1 as unknown as boolean })));
      refused(await rejection(pool.broadcast(targets.add, 5 as unknown as [number, number])));
      assert.equal((await rejection(pool.broadcast(() => 1))).name, 'TargetError');
    }),
  );
});
