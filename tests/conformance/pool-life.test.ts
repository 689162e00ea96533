/** How pools begin and end: initializers, deaths at bad moments, nested pools, signals. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Progress } from 'lockstep';
import {
  Event,
  Lock,
  Pool,
  PoolBrokenError,
  Process,
  Queue,
  RawArray,
  Thread,
  Value,
  WorkerDiedError,
} from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { freeze, runs } from '../support/processes.ts';
import { HANG_MS, until } from '../support/until.ts';

const FAMILY = 2;

poolSuite('begin', (stage) => {
  const failures: Record<string, RegExp> = {
    throws: /its initializer has failed \(no connection\)/,
    rejects: /its initializer has failed \(no connection, later\)/,
    exits: /before they could take a task, the last with exit code 5/,
    // Its time counts from the start of the worker, which takes long on a loaded machine.
    ...(process.env.LOCKSTEP_MODEL === 'deep' && { 'never ends': /has not come to an end in 15000 ms/ }),
  };
  for (const [how, message] of Object.entries(failures)) {
    stage.it(
      `an initializer that ${how} in a replacement breaks the pool then, and no earlier call`,
      async () => {
        using counts = new RawArray('i32', 1);
        const options = {
          processes: 1,
          initializer: targets.connectThen as never,
          initArgs: [counts, how],
          initTimeout: 15_000,
        };
        await stage.withPool(options, async (pool) => {
          assert.equal(await pool.apply(targets.add, [1, 2]), 3);
          const waiting = [targets.exit, targets.add].map((fn) => rejection(pool.apply(fn as never, [3, 4])));
          assert.ok((await waiting[0]) instanceof WorkerDiedError);
          for (const call of [waiting[1]!, rejection(pool.apply(targets.add, [1, 2]))]) {
            const error = await call;
            assert.ok(error instanceof PoolBrokenError, String(error));
            assert.match(error.message, message);
          }
        });
      },
    );
  }

  stage.it('a worker that ends in its initializer is started again', async () => {
    using counts = new RawArray('i32', 1);
    const initializer = stage.isProcess ? targets.killFirst : targets.endFirst;
    const options = { processes: 1, initializer: initializer as never, initArgs: [counts, 0] };
    await stage.withPool(options, async (pool) => {
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      assert.equal(counts.at(0), 2);
      assert.equal(pool.stats.restarts, 1);
    });
  });

  stage.it('a finalizer that ends or kills its worker does not hold up close', async () => {
    for (const finalizer of [targets.exitAtEnd, ...(stage.isProcess ? [targets.killAtEnd] : [])]) {
      const pool = stage.make({ processes: 1, finalizer });
      const calls = [1, 2, 3].map((n) => pool.apply(targets.add, [n, 2]));
      await pool.close();
      assert.deepEqual(await Promise.all(calls), [3, 4, 5]);
      assert.deepEqual([pool.size, pool.stats.restarts], [0, 0]);
    }
  });

  stage.it(
    'a finalizer that never ends is ended by force after the grace, if the scope is left',
    async () => {
      const pool = stage.make({ processes: 1, finalizer: targets.neverEnd, grace: 50 });
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      await pool[Symbol.asyncDispose]();
      assert.equal(await pool.join(), true);
    },
  );

  stage.it('leaving the scope ends an orderly end that has begun and does not come to its end', async () => {
    const pool = stage.make({ processes: 1, finalizer: targets.neverEnd, grace: 50 });
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    const closed = pool.close();
    assert.equal(await pool.join({ timeout: 0 }), false);
    await pool[Symbol.asyncDispose]();
    await closed;
  });

  stage.it('a lock that the caller holds is refused to a task, and given when it is released', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using lock = new Lock();
      const hold = await lock.acquire();
      assert.equal(await pool.apply(targets.tryHold, [lock]), false);
      hold.release();
      assert.equal(await pool.apply(targets.tryHold, [lock]), true);
    }),
  );
});

test('Pool: a task whose wake-up went to a worker that then died runs in another that sleeps', async () => {
  using starts = new Value('i32', 0);
  using open = new Event();
  await using pool = new Pool({
    processes: 2,
    warm: 0,
    initializer: targets.beginLater,
    initArgs: [starts, open],
  });
  await until(() => starts.value === 2, 'both workers to begin');
  const pids = new Set<number>();
  await until(async () => {
    await Promise.all([1, 2].map(async () => pids.add(await pool.apply(targets.whoami))));
    return pids.size === 2;
  }, 'both workers to run a task');
  const latest = await pool.apply(targets.whoami);
  await freeze(latest);
  const call = pool.apply(targets.whoami);
  process.kill(latest, 'SIGKILL');
  // The replacement cannot begin yet.
  const ran = await call;
  assert.ok(ran !== latest && pids.has(ran), `${ran}`);
  open.set();
});

test('Pool: a worker that is stopped does not hold up the end of the scope', async () => {
  const pool = new Pool({ processes: 2, grace: 50 });
  process.kill(await pool.apply(targets.whoami), 'SIGSTOP');
  await pool[Symbol.asyncDispose]();
  assert.equal(await pool.join(), true);
});

poolSuite('end', (stage) => {
  stage.it('Q216: after terminate every call is refused, and the ends may be repeated', async () => {
    const pool = stage.make({ processes: 1 });
    const add = pool.wrap(targets.add);
    const remote = pool.proxy(targets);
    await pool.terminate();
    const closed = { code: 'ERR_LOCKSTEP_CLOSED' };
    const calls = [
      () => pool.apply(targets.add, [1, 2]),
      () => add(1, 2),
      () => remote.add(1, 2),
      () => pool.map(targets.square, [1]),
      () => pool.starmap(targets.add, [[1, 2]]),
      () => pool.each(targets.square, [1]),
      () => pool.room(),
    ];
    for (const call of calls) await assert.rejects(call, closed, String(call));
    assert.throws(() => pool.applySync(targets.add, [1, 2]), closed);
    assert.throws(() => pool.submit(targets.add, [1, 2]), closed);
    assert.throws(() => pool.mapSync(targets.square, [1]), closed);
    assert.throws(() => pool.imap(targets.square, [1]), closed);
    assert.throws(() => pool.imapUnordered(targets.square, [1]), closed);
    await Promise.all([pool.close(), pool.terminate(), pool[Symbol.asyncDispose]()]);
    assert.equal(await pool.join(), true);
    assert.equal(pool.joinSync(), true);
    assert.equal(pool.size, 0);
    assert.deepEqual(pool.stats.workers, []);
  });

  stage.it('a pool that is terminated takes the pools and processes of its tasks along', async () => {
    using pids = new Queue<number>();
    const pool = stage.make({ processes: 1 });
    const call = rejection(pool.apply(targets.haveFamily, [pids]));
    const family = [await pids.get(), await pids.get()];
    await pool.terminate();
    assert.equal((await call).code, 'ERR_LOCKSTEP_CLOSED');
    assert.equal(family.length, FAMILY);
    for (const pid of family) await until(() => !runs(pid!), `process ${pid} to end`);
  });

  stage.it('pools work side by side, and in a process or thread of the program’s', async () => {
    await using other = stage.make({ processes: 1 });
    const child = stage.isProcess
      ? new Thread({ target: targets.usePool, args: ['Pool'] })
      : new Process({ target: targets.usePool, args: ['ThreadPool'] });
    child.start();
    await stage.withPool({ processes: 1 }, async (pool) => {
      const both = [pool.apply(targets.later, [1]), other.apply(targets.later, [2])];
      assert.deepEqual(await Promise.all(both), [1, 2]);
    });
    assert.deepEqual(await child.result, [1, 4, 9]);
  });
});

poolSuite('children of tasks', (stage) => {
  stage.it(
    'that are no daemons are waited for by an orderly end, and daemons end with the worker',
    async () => {
      using began = new Queue<number>();
      using go = new Event();
      using ends = new Value('i32', 0);
      const pool = stage.make({ processes: 1 });
      for (const daemon of [false, true]) await pool.apply(targets.leaveChild, [daemon, began, go, ends]);
      const children = [await began.get(), await began.get()];
      const closed = pool.close().then(() => ends.value);
      await until(() => children.filter((pid) => runs(pid!)).length === 1, 'the daemon to end');
      assert.equal(await pool.join({ timeout: 0 }), false);
      go.set();
      assert.equal(await closed, 1);
      await until(() => !children.some((pid) => runs(pid!)), 'the other to end');
    },
  );
});

poolSuite('blocking calls', (stage) => {
  stage.it('start a worker where there is none, and one after many deaths', async () => {
    await stage.withPool({ processes: { min: 0, max: 1 } }, async (pool) => {
      assert.equal(pool.applySync(targets.add, [1, 2]), 3);
      for (let n = 0; n < 4; n++) assert.throws(() => pool.applySync(targets.exit, [3]), WorkerDiedError);
      assert.equal(pool.applySync(targets.add, [1, 2]), 3);
    });
  });

  stage.it('kill what does not stop within its grace', () =>
    stage.withPool({ processes: 1, grace: 10 }, async (pool) => {
      using began = new Queue<number>();
      const code = 'ERR_LOCKSTEP_TASK_TIMEOUT';
      assert.throws(() => pool.applySync(targets.spinForEver, [began], { timeout: 10 }), { code });
      assert.equal(pool.applySync(targets.add, [1, 2]), 3);
      const waits = (): unknown => pool.applySync(targets.add, [1, 2], { queueTimeout: 10 });
      const busy = rejection(pool.apply(targets.spinForEver, [began], { timeout: 1000 }));
      assert.throws(waits, { code });
      assert.deepEqual(pool.mapSync(targets.square, [1, 2]), [1, 4]);
      assert.equal((await busy).code, code);
    }),
  );

  stage.it('end when the initializer has taken too long', () =>
    stage.withPool(
      { processes: 1, initializer: targets.neverConnect, initTimeout: 20 },
      async (pool) => void assert.throws(() => pool.applySync(targets.add, [1, 2]), PoolBrokenError),
    ),
  );

  stage.it('report progress meanwhile', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using open = new Event();
      using heard = new Event();
      const seen: number[] = [];
      const onProgress = ({ done }: Progress): void => {
        seen.push(done);
        if (done > 0) heard.set();
      };
      open.set();
      // The second item ends only when the first was reported.
      const items = [open, heard].map((go, n) => [began, go, n] as const);
      pool.mapSync(targets.waitTuple, items, { chunkSize: 1, onProgress });
      assert.ok(seen.includes(1), `progress was reported as ${seen}`);
      assert.equal(seen.at(-1), 2);
    }),
  );
});

poolSuite('waits', (stage) => {
  stage.it('for room leave nothing on their signal', () =>
    stage.withPool({ processes: 1, maxQueue: 1 }, async (pool) => {
      const warnings: Error[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on('warning', note);
      const { signal } = new AbortController();
      const calls: Promise<unknown>[] = [];
      for (let n = 0; n < 40; n++) {
        await pool.room({ signal, timeout: 1_000_000 });
        calls.push(pool.apply(targets.later, [n, 0]));
      }
      await Promise.all(calls);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', note);
      assert.deepEqual(warnings, []);
      const full = [1, 2, 3].map((n) => pool.apply(targets.later, [n, 20]));
      await assert.rejects(pool.room({ timeout: 0 }), { code: 'ERR_LOCKSTEP_TIMED_OUT' });
      await assert.rejects(pool.room({ signal: AbortSignal.abort(new Error('enough')) }), /enough/);
      await Promise.all(full);
    }),
  );
});

test('SIGKILL in the middle of nested pools: no worker below is left, and the call above hears of it', async () => {
  using pids = new Queue<number>();
  await using pool = new Pool({ processes: 1 });
  const call = rejection(pool.apply(targets.nest, [pids, 2]));
  const [top, middle, last] = [await pids.get(), await pids.get(), await pids.get()];
  process.kill(middle!, 'SIGKILL');
  const error = (await call) as WorkerDiedError;
  assert.ok(error instanceof WorkerDiedError);
  assert.deepEqual([error.pid, error.signal], [middle, 'SIGKILL']);
  await until(() => !runs(last!), 'the last worker to end');
  assert.equal(await pool.apply(targets.whoami), top);
});

test('SIGKILL of a worker takes the pools and processes of its task along', async () => {
  using pids = new Queue<number>();
  const pool = new Pool({ processes: 1 });
  const task = pool.submit(targets.haveFamily, [pids]);
  const family = [await pids.get(), await pids.get()];
  process.kill(task.pid!, 'SIGKILL');
  assert.ok((await rejection(task)) instanceof WorkerDiedError);
  for (const pid of family) await until(() => !runs(pid!), `process ${pid} to end`);
  await pool.terminate();
});

test('Q211 HAZARD: a worker that is killed while it writes a result of 1 MiB costs its task alone', async () => {
  const pool = new Pool({ processes: 1 });
  const error = await rejection(pool.apply(targets.dieInResult));
  assert.ok(error instanceof WorkerDiedError);
  assert.deepEqual([error.signal, error.task], ['SIGKILL', 'dieInResult()']);
  assert.equal((await pool.apply(targets.large, [1024 * 1024])).length, 1024 * 1024);
  await pool.terminate();
});

test('Ctrl-C and SIGTERM reach a program’s handlers, while its workers finish their tasks', async () => {
  const program = fileURLToPath(new URL('../programs/heeds-signals.js', import.meta.url));
  const child = spawn(process.execPath, [program], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  const ended = once(child, 'exit');
  await until(() => said.includes('ready\n'), 'its tasks');
  process.kill(-child.pid!, 'SIGINT');
  await until(() => said.includes('SIGINT\n'), 'its handler');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(said, 'ready\nSIGINT\nSIGTERM\nPool 7\nThreadPool 8\n');
});

test('idle pools do not keep a program running, whatever they have done', { timeout: HANG_MS }, async () => {
  const program = fileURLToPath(new URL('../programs/heeds-signals.js', import.meta.url));
  const child = spawn(process.execPath, [program, 'idle'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(said, 'Pool 1,4\nThreadPool 1,4\n');
});
