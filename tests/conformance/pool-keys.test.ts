/** Pools: tasks with a key go to one worker, in their order, and move on when it ends. */

import assert from 'node:assert/strict';
import { Event, Queue, RawArray } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool, PoolStage } from '../support/pools.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

/** The worker of the key. */
const workerOf = (pool: AnyPool, key: string | number): Promise<number> =>
  pool.apply(targets.whoami, [], { key });

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function taken(log: Queue<number>): Promise<number[]> {
  const all: number[] = [];
  for (let n = log.tryGet(); n !== null; n = log.tryGet()) all.push(n);
  return all;
}

poolSuite('tasks with a key', (stage: PoolStage) => {
  stage.it('one key, one worker; two keys, two workers; 1 and "1" are two keys', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await pool.ready;
      const [one, other] = await Promise.all([workerOf(pool, 1), workerOf(pool, '1')]);
      assert.notEqual(one, other);
      const again = await Promise.all(numbers(40).map((n) => workerOf(pool, n % 2 === 0 ? 1 : '1')));
      assert.deepEqual(
        again,
        numbers(40).map((n) => (n % 2 === 0 ? one : other)),
      );
    }),
  );

  stage.it('they run in the order of their calls, a higher priority first', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const log = new Queue<number>();
      const [began, go] = [new Queue<number>(), new Event()];
      // Everything waits behind this one.
      const first = pool.apply(targets.runUntil, [began, go], { key: 'a' });
      await began.get();
      const calls = numbers(300).map((n) => pool.apply(targets.noteRun, [log, n], { key: 'a' }));
      const urgent = pool.apply(targets.noteRun, [log, -1], { key: 'a', priority: 1 });
      // Other tasks do not wait.
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      assert.ok(pool.stats.queued > 0);
      go.set();
      await Promise.all([first, urgent, ...calls]);
      const order = await taken(log);
      assert.ok(order.indexOf(-1) < 299, `the urgent one came at ${order.indexOf(-1)}`);
      assert.deepEqual(
        order.filter((n) => n >= 0),
        numbers(300),
      );
    }),
  );

  stage.it('when its worker ends, the key moves on, in the same order, and nothing is lost', () =>
    stage.withPool({ processes: 2, retries: 1 }, async (pool) => {
      const log = new Queue<number>();
      using counts = new RawArray('i32', 1);
      const before = await workerOf(pool, 'a');
      const calls = [
        pool.apply(targets.noteRun, [log, 0], { key: 'a' }),
        pool.apply(targets.endFirst, [counts, 0], { key: 'a' }),
        ...numbers(200).map((n) => pool.apply(targets.noteRun, [log, n + 1], { key: 'a' })),
      ];
      const after = workerOf(pool, 'a');
      await Promise.all(calls);
      assert.notEqual(await after, before);
      assert.equal(await workerOf(pool, 'a'), await after);
      assert.deepEqual(await taken(log), numbers(201));
    }),
  );

  stage.it('a worker that is replaced as planned loses none of them, nor their order', () =>
    stage.withPool({ processes: 2, maxTasksPerChild: 5 }, async (pool) => {
      const log = new Queue<number>();
      const calls = numbers(20).map((n) => pool.apply(targets.noteRun, [log, n], { key: 'a' }));
      await Promise.all(calls);
      assert.deepEqual(await taken(log), numbers(20));
      assert.ok(pool.stats.recycled >= 3, `${pool.stats.recycled} were replaced`);
    }),
  );

  stage.it('a task that waits for its worker is withdrawn like any other', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const log = new Queue<number>();
      const [began, go] = [new Queue<number>(), new Event()];
      const first = pool.apply(targets.runUntil, [began, go], { key: 'a' });
      await began.get();
      const tasks = numbers(20).map((n) => pool.submit(targets.noteRun, [log, n], { key: 'a' }));
      assert.ok(tasks[0]!.cancel(), 'it lies in the ring of its worker');
      assert.ok(tasks[19]!.cancel(), 'it lies in the heap');
      go.set();
      await first;
      const outcomes = await Promise.allSettled(tasks);
      assert.deepEqual(outcomes.filter(({ status }) => status === 'rejected').length, 2);
      assert.deepEqual(await taken(log), numbers(20).slice(1, 19));
    }),
  );

  stage.it('a worker starves neither its keyed tasks nor the others', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const log = new Queue<number>();
      const [began, go] = [new Queue<number>(), new Event()];
      const first = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const calls = numbers(20).flatMap((n) => [
        pool.apply(targets.noteRun, [log, n], { key: 'a' }),
        pool.apply(targets.noteRun, [log, 100 + n]),
      ]);
      go.set();
      await Promise.all([first, ...calls]);
      const order = await taken(log);
      assert.deepEqual(
        order.filter((n) => n < 100),
        numbers(20),
      );
      assert.deepEqual(
        order.filter((n) => n >= 100),
        numbers(20).map((n) => n + 100),
      );
      for (const from of [0, 10, 20, 30]) {
        const own = order.slice(from, from + 10).filter((n) => n < 100).length;
        assert.ok(own > 0 && own < 10, `tasks ${from} to ${from + 9}: ${own} have a key`);
      }
    }),
  );

  stage.it('a pool grows by as many workers as it has keys with tasks', () =>
    stage.withPool({ processes: { min: 0, max: 3 } }, async (pool) => {
      const [began, go] = [new Queue<number>(), new Event()];
      const one = pool.apply(targets.runUntil, [began, go], { key: 'a' });
      const more = numbers(10).map(() => pool.apply(targets.add, [1, 2], { key: 'a' }));
      await began.get();
      assert.equal(pool.size, 1);
      const other = pool.apply(targets.runUntil, [began, go], { key: 'b' });
      await until(() => pool.size === 2, 'a second worker');
      go.set();
      await Promise.all([one, other, ...more]);
    }),
  );

  stage.it('close does them, terminate rejects them, an applySync gets its result', async () => {
    const pool = stage.make({ processes: 2 });
    assert.equal(pool.applySync(targets.add, [1, 2], { key: 'a' }), 3);
    const calls = numbers(100).map((n) => pool.apply(targets.later, [n, 0], { key: n % 3 }));
    await pool.close();
    assert.deepEqual(await Promise.all(calls), numbers(100));
    const second = stage.make({ processes: 2 });
    const [began, go] = [new Queue<number>(), new Event()];
    const waiting = [
      second.apply(targets.runUntil, [began, go], { key: 'a' }),
      ...numbers(50).map(() => second.apply(targets.add, [1, 2], { key: 'a' })),
    ].map(rejection);
    await began.get();
    await second.terminate();
    for (const error of await Promise.all(waiting)) assert.equal(error.code, 'ERR_LOCKSTEP_CLOSED');
  });

  stage.it('a key is a string or a number', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const key of [Number.NaN, null, {}, true]) {
        const error = await rejection(pool.apply(targets.add, [1, 2], { key: key as string }));
        assert.equal(error.code, 'ERR_LOCKSTEP_INVALID_TYPE');
        assert.match(error.message, /its key is .*; pass a string or a number/);
      }
    }),
  );
});
