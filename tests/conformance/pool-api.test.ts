/** asCompleted, proxy, Shared and the statistics, over processes and threads. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { asCompleted, Event, Lock, Pool, Queue, range, Shared } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const found: Value[] = [];
  for await (const value of values) found.push(value);
  return found;
}

poolSuite('as completed', (stage) => {
  stage.it('S237: gives each task once, as they end, those that have ended first', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using go = new Event();
      using began = new Queue<number>();
      const slow = pool.submit(targets.runUntil, [began, go]);
      await began.get();
      const quick = [1, 2, 3].map((n) => pool.submit(targets.add, [n, 10]));
      await Promise.all(quick);
      const results = asCompleted<PromiseLike<unknown>>([slow, ...quick, quick[0]!, slow]);
      const first = [await results.next(), await results.next(), await results.next()];
      assert.deepEqual(first.map(({ value }) => value).sort(), [11, 12, 13]);
      go.set();
      assert.deepEqual(await results.next(), { done: false, value: await slow });
      assert.deepEqual(await results.next(), { done: true, value: undefined });
      assert.deepEqual(await all(asCompleted([])), []);
    }),
  );

  stage.it('S237: rejects when the time has passed, and says how many are missing', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      using go = new Event();
      using began = new Queue<number>();
      const tasks = [pool.submit(targets.runUntil, [began, go]), pool.submit(targets.add, [1, 2])];
      await tasks[1];
      const results = asCompleted<PromiseLike<unknown>>(tasks, { timeout: 200 });
      assert.equal((await results.next()).value, 3);
      const error = await rejection(results.next());
      assert.equal(error.code, 'ERR_LOCKSTEP_TIMED_OUT');
      assert.match(error.message, /1 of 2 tasks have not ended/);
      // The time stays over: a task that has not ended is refused again, one that has is given.
      assert.equal((await rejection(results.next())).code, 'ERR_LOCKSTEP_TIMED_OUT');
      go.set();
      const last = await tasks[0];
      assert.equal((await results.next()).value, last);
      assert.equal((await results.next()).done, true);
    }),
  );

  stage.it('a failed task rejects where it comes, and the others follow', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const tasks = [1, 2, 3].map((n) => pool.submit(targets.failFor, [n, 2]));
      const results = asCompleted(tasks);
      assert.equal((await results.next()).value, 1);
      assert.match((await rejection(results.next())).message, /2/);
      assert.equal((await results.next()).value, 3);
      assert.equal((await results.next()).done, true);
    }),
  );

  stage.it('its signal gives the waiting up, and leaving the loop cancels nothing', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using go = new Event();
      using began = new Queue<number>();
      const task = pool.submit(targets.runUntil, [began, go]);
      const controller = new AbortController();
      const results = asCompleted([task], { signal: controller.signal });
      const next = results.next();
      controller.abort(new Error('enough'));
      assert.equal((await rejection(next)).message, 'enough');
      const others = asCompleted([task]);
      const unread = others.next();
      await others.return!();
      assert.equal((await unread).done, true);
      go.set();
      assert.equal(typeof (await task), 'number');
    }),
  );

  stage.it('what is no promise is refused', async () => {
    assert.throws(() => asCompleted([1] as never), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
    assert.throws(() => asCompleted(7 as never), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
  });
});

poolSuite('proxy', (stage) => {
  stage.it('the functions of a module run in the pool', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const here = pool.proxy(targets);
      assert.equal(await here.add(1, 2), 3);
      assert.equal(await here.later('x'), 'x');
      if (stage.isProcess) assert.notEqual(await here.whoami(), process.pid);
      assert.equal(here.add, here.add);
      assert.ok('add' in here);
      assert.equal((here as { then?: unknown }).then, undefined);
      assert.match((await rejection(here.fail(1))).message, /1/);
    }),
  );

  stage.it('a module that is not loaded here is named by its URL', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const url = new URL('../support/pool-targets.js', import.meta.url);
      const remote = pool.proxy<typeof import('../support/pool-targets.ts')>(url);
      assert.equal(await remote.add(20, 3), 23);
      const unknown = pool.proxy<{ nothing(): void }>(url);
      assert.equal((await rejection(unknown.nothing())).code, 'ERR_LOCKSTEP_TARGET');
    }),
  );

  stage.it('what is no module is refused', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      assert.throws(() => pool.proxy(7 as never), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
      assert.throws(() => pool.proxy('targets.js'), { code: 'ERR_LOCKSTEP_TARGET' });
    }),
  );
});

poolSuite('shared constants', (stage) => {
  stage.it('a value goes into shared memory once, and each worker decodes it once', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const table = { names: ['a', 'b'], sizes: new Map([['a', 1]]), big: 'x'.repeat(200_000) };
      using shared = new Shared(table);
      table.names.push('later');
      assert.deepEqual(shared.value.names, ['a', 'b']);
      assert.equal(shared.value, shared.value);
      const seen = await Promise.all(range3().map((n) => pool.apply(targets.lookUp, [shared, n])));
      assert.deepEqual(
        seen.map(({ name }) => name),
        ['a', 'b', undefined],
      );
      assert.deepEqual(
        seen.map(({ decoded }) => decoded),
        [1, 1, 1],
      );
      assert.equal(seen[0]!.frozen, true);
    }),
  );

  stage.it('it can be found by name, and shown', async () => {
    using first = new Shared([1, 2], { name: 'primes', namespace: 'pool-api' });
    using second = new Shared([9], { name: 'primes', namespace: 'pool-api' });
    assert.deepEqual(second.value, [1, 2]);
    using third = Shared.open<number[]>(first.handle);
    assert.deepEqual(third.value, [1, 2]);
    assert.equal(third.describe().kind, 'Shared');
    assert.match(String(first), /^<Shared "primes" \d+ bytes>$/);
    first.close();
    assert.throws(() => first.value, { code: 'ERR_LOCKSTEP_CLOSED' });
  });

  stage.it('a shared object in it is refused, and what can’t be sent', async () => {
    using lock = new Lock();
    assert.throws(() => new Shared({ lock }), { code: 'ERR_LOCKSTEP_NOT_SENDABLE' });
    assert.throws(() => new Shared({ fn: () => 1 }), { code: 'ERR_LOCKSTEP_NOT_SENDABLE' });
  });
});

poolSuite('statistics', (stage) => {
  stage.it('times, utilisation, and the slowest tasks with their arguments', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      await pool.ready;
      await pool.apply(targets.later, ['slow one', 60]);
      const [first] = pool.stats.slowest;
      assert.equal(first!.fn, 'later');
      assert.match(first!.args, /'slow one', 60/);
      assert.equal(first!.pid, pool.stats.workers[0]!.id);
      for (let n = 0; n < 20; n++) await pool.apply(targets.add, [n, 1]);
      const { runTime, waitTime, slowest, utilization, done } = pool.stats;
      assert.equal(done, 21);
      assert.equal(runTime.count, 21);
      assert.equal(waitTime.count, 21);
      assert.ok(runTime.max >= 59 && runTime.min <= runTime.mean && runTime.mean <= runTime.max);
      assert.ok(runTime.percentile(50) <= runTime.percentile(100));
      assert.ok(runTime.percentile(100) >= 59);
      assert.equal(slowest.length, 5);
      // Which ones, the machine has a say in.
      const times = slowest.map(({ ms }) => ms);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a),
      );
      assert.equal(times[0], runTime.max);
      assert.ok(utilization > 0 && utilization <= 1);
      const { warm, cold, meanTime } = pool.stats.starts;
      assert.deepEqual([warm, cold], [0, 1]);
      assert.ok(meanTime > 0);
    }),
  );

  stage.it('of a map: its items', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await pool.map(targets.sleepIf7, range(20), { chunkSize: 1 });
      const { runTime, slowest, workers } = pool.stats;
      assert.equal(runTime.count, 20);
      assert.ok(slowest.some(({ args, ms }) => args === '7' && ms >= 39));
      assert.ok(workers.some(({ busy }) => busy >= 39));
    }),
  );

  stage.it('statistics: false keeps none of them', () =>
    stage.withPool({ processes: 1, statistics: false }, async (pool) => {
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      const { runTime, slowest, done } = pool.stats;
      assert.deepEqual([runTime.count, slowest, done], [0, [], 1]);
    }),
  );
});

test('a large argument that is sent again and again, and calls that are too small, are warned of once', async () => {
  await using pool = new Pool(1);
  const large = { text: 'x'.repeat(100_000) };
  const warned = once(process, 'warning');
  for (let n = 0; n < 12; n++) await pool.apply(targets.same, [large]);
  const [first] = (await warned) as [Error & { code: string }];
  assert.equal(first.code, 'LOCKSTEP_POOL_LARGE_ARGUMENT');
  assert.match(first.message, /same: the same large argument was sent 11 times.*new Shared/);
  const warnings: (Error & { code?: string })[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  for (let n = 0; n < 10; n++) {
    await Promise.all(Array.from({ length: 1000 }, (_, each) => pool.apply(targets.same, [each])));
  }
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  // A loaded machine may have made the calls longer than what is warned of.
  const { mean } = pool.stats.runTime;
  if (warnings.length === 0) assert.ok(mean > 0.015, `no warning, though a call takes ${mean} ms`);
  else
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['LOCKSTEP_POOL_SMALL_TASKS'],
    );
});

function range3(): number[] {
  return [0, 1, 2];
}
