/** The contract of Pool and ThreadPool: their size, how their workers start, and how they end. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClosedError, Event, PoolBrokenError, Queue, range } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

poolSuite('size', (stage) => {
  stage.it('a pool grows while tasks wait, and shrinks when it has nothing to do', () =>
    stage.withPool({ processes: { min: 0, max: 2 }, idleTimeout: 30 }, async (pool) => {
      assert.equal(pool.size, 0);
      using began = new Queue<number>();
      using go = new Event();
      const calls = [1, 2].map(() => pool.apply(targets.runUntil, [began, go]));
      await began.get();
      await began.get();
      assert.equal(pool.size, 2);
      go.set();
      await Promise.all(calls);
      await until(() => pool.size === 0, 'the workers to end');
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    }),
  );

  stage.it('Q193: options that make no sense are refused', () => {
    for (const processes of [-1, 1.5, Number.NaN, 2 ** 31, '2', { min: 3, max: 2 }, null]) {
      assert.throws(() => stage.make({ processes: processes as number }), { code: /^ERR_LOCKSTEP/ });
    }
    const wrong = [
      { statistics: 1 },
      { initializer: 5 },
      { initArgs: 'x' },
      { maxTasksPerChild: 0 },
      { concurrency: 0 },
      { grace: -1 },
      { timeout: 'x' },
      { name: '' },
      { prozesses: 2 },
    ];
    for (const options of wrong) {
      assert.throws(() => stage.make(options as never), { code: /^ERR_LOCKSTEP/ }, Object.keys(options)[0]);
    }
    return Promise.resolve();
  });

  stage.it('room waits until fewer tasks wait; wrap makes a function of the pool; stats count', () =>
    stage.withPool({ processes: 1, maxQueue: 2 }, async (pool) => {
      const add = pool.wrap(targets.add);
      let sum = 0;
      const calls: Promise<unknown>[] = [];
      for (let n = 0; n < 50; n++) {
        await pool.room();
        calls.push(add(n, 1).then((value) => (sum += value)));
      }
      await Promise.all(calls);
      assert.equal(sum, 1275);
      await assert.rejects(pool.apply(targets.fail, [1]));
      const { done, failed, workers } = pool.stats;
      assert.deepEqual([done, failed, workers.length], [50, 1, 1]);
    }),
  );

  if (stage.isProcess) {
    stage.it('a worker that has grown too large is replaced after its task', () =>
      stage.withPool({ processes: 1, maxMemoryPerChild: 1 }, async (pool) => {
        const first = await pool.apply(targets.whoami);
        await until(
          () => pool.stats.recycled > 0 && pool.stats.workers.some(({ id }) => id !== first),
          'another',
        );
        assert.equal(await pool.apply(targets.add, [1, 1]), 2);
      }),
    );
  }
});

poolSuite('start', (stage) => {
  stage.it('the initializer runs once in each worker; its result is their state', () =>
    stage.withPool(
      { processes: 2, initializer: targets.connect as never, initArgs: ['here'] },
      async (pool) => {
        await pool.ready;
        const all = await Promise.all(Array.from({ length: 10 }, () => pool.apply(targets.askState)));
        assert.deepEqual(new Set(all), new Set(['here']));
      },
    ),
  );

  stage.it('Q214 HAZARD: a failing initializer fails the pool, once and for all calls', async () => {
    for (const initializer of [targets.failToConnect, targets.rejectToConnect]) {
      await stage.withPool({ processes: 2, initializer }, async (pool) => {
        const calls = Array.from({ length: 5 }, () => pool.apply(targets.add, [1, 1]));
        for (const call of calls) {
          const error = await rejection(call);
          assert.ok(error instanceof PoolBrokenError);
          assert.match((error.cause as Error).message, /no connection/);
        }
        assert.ok((await rejection(pool.apply(targets.add, [1, 1]))) instanceof PoolBrokenError);
        assert.ok((await rejection(pool.ready)) instanceof PoolBrokenError);
      });
    }
  });

  stage.it('an initializer that exits, or never ends, breaks the pool', async () => {
    await stage.withPool({ processes: 1, initializer: targets.exitAtStart }, async (pool) => {
      const error = await rejection(pool.apply(targets.add, [1, 1]));
      assert.ok(error instanceof PoolBrokenError);
      assert.match(error.message, /exit code 5/);
    });
    const slow = { processes: 1, initializer: targets.neverConnect, initTimeout: 50 };
    await stage.withPool(slow, async (pool) => {
      const error = await rejection(pool.apply(targets.add, [1, 1]));
      assert.ok(error instanceof PoolBrokenError);
      assert.match(error.message, /initTimeout/);
    });
  });
});

poolSuite('ends', (stage) => {
  stage.it('Q207: close does what was given, refuses more, and runs the finalizers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-pool-'));
    try {
      const log = join(folder, 'log');
      const pool = stage.make({
        processes: 2,
        initializer: targets.openLog as never,
        initArgs: [log],
        finalizer: targets.noteEnd as never,
      });
      await pool.ready;
      const calls = Array.from({ length: 30 }, (_, n) => pool.apply(targets.later, [n, 2]));
      await assert.rejects(pool.join(), { code: 'ERR_LOCKSTEP_STATE' });
      const closing = pool.close();
      assert.ok((await rejection(pool.apply(targets.add, [1, 1]))) instanceof ClosedError);
      assert.equal((await Promise.all(calls)).length, 30);
      await closing;
      await pool.close();
      assert.equal(await pool.join(), true);
      assert.equal(readFileSync(log, 'utf8').trim().split('\n').length, 2);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  stage.it('S241: close with cancelQueued rejects what waits, and lets what runs end', async () => {
    const pool = stage.make({ processes: 1 });
    using began = new Queue<number>();
    using go = new Event();
    const running = pool.apply(targets.runUntil, [began, go]);
    const waiting = Array.from({ length: 10 }, () => rejection(pool.apply(targets.add, [1, 1])));
    await began.get();
    const closing = pool.close({ cancelQueued: true });
    for (const error of await Promise.all(waiting)) assert.ok(error instanceof ClosedError);
    go.set();
    assert.equal(typeof (await running), 'number');
    await closing;
  });

  stage.it('calls that are cut off say so, each with its own error and the place of the cut', async () => {
    const pool = stage.make({ processes: 1 });
    using began = new Queue<number>();
    const calls = [
      rejection(pool.apply(targets.spinForEver, [began])),
      ...Array.from({ length: 3 }, () => rejection(pool.apply(targets.add, [1, 2]))),
    ];
    await began.get();
    await pool.terminate();
    const errors = await Promise.all(calls);
    assert.equal(new Set(errors).size, 4);
    for (const [n, { message, stack }] of errors.entries()) {
      assert.match(
        message,
        n === 0 ? /: spinForEver: no result/ : /: add: no result, the pool was terminated/,
      );
      assert.match(stack!, /pool-ends\.test/);
    }
  });

  stage.it('Q208: terminate ends at once with 10,000 long tasks, and may be repeated', async () => {
    const pool = stage.make({ processes: 2 });
    const calls = Array.from({ length: 10_000 }, () => rejection(pool.apply(targets.later, [1, 100_000])));
    await pool.terminate();
    await pool.terminate();
    assert.equal(await pool.join(), true);
    for (const error of await Promise.all(calls)) assert.ok(error instanceof ClosedError);
  });

  stage.it('terminate ends a worker that runs without end', async () => {
    const pool = stage.make({ processes: 1 });
    using began = new Queue<number>();
    const call = rejection(pool.apply(targets.spinForEver, [began]));
    await began.get();
    await pool.terminate();
    assert.ok((await call) instanceof ClosedError);
  });

  stage.it(
    'Q209 HAZARD: leaving the scope ends the pool, and leaves no call without an outcome',
    async () => {
      using began = new Queue<number>();
      const calls: Promise<Error>[] = [];
      {
        await using pool = stage.make({ processes: 1, grace: 20 });
        calls.push(rejection(pool.apply(targets.spinForEver, [began])));
        await began.get();
        for (let n = 0; n < 10; n++) calls.push(rejection(pool.apply(targets.add, [1, 1])));
      }
      for (const error of await Promise.all(calls)) assert.ok(error instanceof ClosedError, String(error));
    },
  );

  stage.it('joinSync waits without the event loop', async () => {
    const pool = stage.make({ processes: 1 });
    const call = pool.apply(targets.later, [3, 5]);
    assert.throws(() => pool.joinSync(), { code: 'ERR_LOCKSTEP_STATE' });
    void pool.close();
    assert.equal(pool.joinSync(), true);
    assert.equal(await call, 3);
  });

  stage.it('Q210: with maxTasksPerChild each worker does so many tasks', () =>
    stage.withPool({ processes: 1, maxTasksPerChild: 2 }, async (pool) => {
      const ids: number[] = [];
      for (let n = 0; n < 6; n++) ids.push(await pool.apply(targets.whoami));
      assert.equal(new Set(ids).size, 3);
      // A chunk of a map counts as one task.
      const chunks = await pool.map(targets.whoami, range(60), { chunkSize: 10 });
      assert.equal(new Set(chunks).size, 3);
      for (const id of new Set(chunks)) assert.equal(chunks.filter((each) => each === id).length, 20);
      assert.ok(pool.stats.causes.tasks >= 5);
      assert.equal(pool.stats.restarts, 0);
      await until(() => pool.size >= 1, 'a worker to be there');
    }),
  );

  stage.it('a worker that retires with a task under way leaves the others to the next worker', () =>
    stage.withPool({ processes: 1, concurrency: 2, maxTasksPerChild: 1 }, async (pool) => {
      const calls = Array.from({ length: 3 }, (_, n) => pool.apply(targets.later, [n]));
      assert.deepEqual(await Promise.all(calls), [0, 1, 2]);
    }),
  );
});
