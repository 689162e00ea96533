/** The promises of executors: outcomes, callbacks, ends, and pools that nothing breaks. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { it, test } from 'node:test';
import { activeChildren, Event, Pool, Queue } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { run } from '../support/programs.ts';
import { HANG_MS } from '../support/until.ts';

poolSuite('executor', (stage) => {
  stage.it('Q201: a task can be waited for with a limit, and its outcome is read any number of times', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const task = pool.submit(targets.runUntil, [began, go]);
      await began.get();
      const early = await Promise.race([task, new Promise((resolve) => setImmediate(resolve, 'not yet'))]);
      assert.equal(early, 'not yet');
      assert.equal(task.status, 'running');
      go.set();
      assert.equal(await task, await task);
      assert.equal(task.status, 'done');
      const failed = pool.submit(targets.fail, [4]);
      assert.equal(await rejection(failed), await rejection(failed));
      assert.equal(failed.status, 'failed');
    }),
  );

  stage.it('Q202, S234: callbacks run once each, in their order, also of a task that has ended', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const seen: string[] = [];
      const task = pool.submit(targets.add, [1, 2]);
      void task.then((value) => seen.push(`first ${value}`));
      const failing = task.then(() => Promise.reject(new Error('of a callback')));
      void failing.then(undefined, () => seen.push('second fails'));
      await task;
      await task.then((value) => seen.push(`late ${value}`));
      await task.finally(() => seen.push('at last'));
      assert.deepEqual([...seen].sort(), ['at last', 'first 3', 'late 3', 'second fails']);
      assert.equal(seen[0], 'first 3');
    }),
  );

  stage.it(
    'S240: after close nothing is taken, what was given is done, and close may be repeated',
    async () => {
      const pool = stage.make({ processes: 1 });
      const tasks = [1, 2, 3].map((n) => pool.apply(targets.later, [n]));
      const closing = pool.close();
      assert.equal((await rejection(pool.apply(targets.add, [1, 2]))).code, 'ERR_LOCKSTEP_CLOSED');
      assert.deepEqual(await Promise.all(tasks), [1, 2, 3]);
      await Promise.all([closing, pool.close(), pool.close()]);
    },
  );

  stage.it('S243: a worker that dies, idle or busy, costs its task alone; the pool takes others', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const tasks = [pool.apply(targets.exit, [3]), pool.apply(targets.add, [1, 2])];
      assert.equal((await rejection(tasks[0]!)).code, 'ERR_LOCKSTEP_WORKER_DIED');
      assert.equal(await tasks[1], 3);
      assert.equal(await pool.apply(targets.add, [3, 4]), 7);
    }),
  );

  stage.it('S244: a failing initializer rejects what waits, and all that comes', () =>
    stage.withPool({ processes: 2, initializer: targets.failToConnect }, async (pool) => {
      const waiting = [1, 2, 3].map((n) => pool.apply(targets.add, [n, n]));
      for (const each of waiting) assert.equal((await rejection(each)).code, 'ERR_LOCKSTEP_POOL_BROKEN');
      assert.equal((await rejection(pool.apply(targets.add, [1, 2]))).code, 'ERR_LOCKSTEP_POOL_BROKEN');
    }),
  );

  stage.it('S246, S247: a value that can’t be sent or made again rejects its call alone', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const calls = [
        pool.apply(targets.same, [() => 1]),
        pool.apply(targets.returnFunction),
        pool.apply(targets.throwFunction),
        pool.apply(targets.failWithStrangeError),
        pool.apply(() => 1),
      ];
      for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    }),
  );
});

it('Q203 HAZARD: a callback that throws ends no pool: its error is uncaught, all results come', async () => {
  await using pool = new Pool(1);
  const thrown: string[] = [];
  const catching = (error: Error): void => void thrown.push(error.message);
  process.setUncaughtExceptionCaptureCallback(catching);
  try {
    const onReport = (): never => {
      throw new Error('of onReport');
    };
    pool.once('report', () => {
      throw new Error('of a listener');
    });
    assert.equal(await pool.apply(targets.report, [1], { onReport }), 'reported');
    await pool.map(targets.square, [1, 2, 3], {
      onProgress() {
        throw new Error('of onProgress');
      },
    });
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
  assert.deepEqual([...new Set(thrown)].sort(), ['of a listener', 'of onProgress', 'of onReport']);
});

test('X45: where one of the workers can’t be started, the constructor throws, and the others are gone', async () => {
  const { execPath } = process;
  let asked = 0;
  const enough = 4;
  Object.defineProperty(process, 'execPath', {
    configurable: true,
    get: () => (asked++ < enough ? execPath : '/nowhere/node'),
  });
  try {
    assert.throws(() => new Pool(50), { code: 'ERR_LOCKSTEP_PLATFORM' });
  } finally {
    Object.defineProperty(process, 'execPath', { configurable: true, writable: true, value: execPath });
  }
  assert.ok(asked > enough);
  assert.deepEqual(activeChildren(), []);
});

test('a call in an exit listener is refused: the workers are gone', () => {
  const program = `
    import { Pool } from ${JSON.stringify(import.meta.resolve('lockstep'))};
    import { add } from ${JSON.stringify(new URL('../support/pool-targets.js', import.meta.url).href)};
    const pool = new Pool(1);
    process.on('exit', () => {
      try { pool.applySync(add, [1, 2]); } catch (error) { console.log(error.code); }
    });
    console.log(await pool.apply(add, [1, 2]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  assert.equal(stdout, '3\nERR_LOCKSTEP_CLOSED\n', stderr);
});

test('S249: a program that ends does the work that it was given before', () => {
  const program = `
    const { Pool } = await import(${JSON.stringify(import.meta.resolve('lockstep'))});
    const { later } = await import(${JSON.stringify(new URL('../support/pool-targets.js', import.meta.url).href)});
    const pool = new Pool(1);
    for (const n of [1, 2, 3]) pool.apply(later, [n]).then(console.log);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: HANG_MS,
  });
  assert.deepEqual([status, stdout], [0, '1\n2\n3\n'], stderr);
});

test('the error of a task that no code awaits is an unhandled rejection, unless the program has ended it', async () => {
  const { stdout, stderr } = await run('unawaited-tasks');
  assert.equal(stderr, '');
  const seen = Object.values(JSON.parse(stdout) as Record<string, string[]>);
  assert.equal(seen.length, 3);
  for (const [forgotten, refused, ...others] of seen) {
    assert.equal(forgotten, 'forgotten');
    assert.match(refused!, /args\[0\] can't be sent/);
    assert.deepEqual(others, []);
  }
});
