/** The contract of Pool and ThreadPool: calls, deaths, ends. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ClosedError,
  Event,
  Lock,
  Pool,
  PoolBrokenError,
  Queue,
  QueueFullError,
  RawArray,
  Semaphore,
  SharedArray,
  SharedMemory,
  TargetError,
  ThreadPool,
  WorkerDiedError,
} from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

const VALUES: unknown[] = [
  1,
  -0,
  'text ü 漢',
  10n ** 30n,
  null,
  undefined,
  [1, [2, { a: new Date(5) }]],
  new Map<unknown, unknown>([[1, new Set(['x'])]]),
  new Uint8Array([1, 2, 3]),
  new Float64Array([1.5]),
];

poolSuite('calls', (stage) => {
  stage.it('a function runs in a worker, with its arguments; its result comes back', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      assert.equal(await pool.apply(targets.later, ['x']), 'x');
      const all = Array.from({ length: 300 }, (_, n) => pool.apply(targets.add, [n, 1]));
      assert.deepEqual(
        await Promise.all(all),
        Array.from({ length: 300 }, (_, n) => n + 1),
      );
      if (stage.isProcess) assert.notEqual(await pool.apply(targets.whoami), process.pid);
    }),
  );

  stage.it('a number alone is how many workers there are', async () => {
    const pool = new (stage.isProcess ? Pool : ThreadPool)(1);
    assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    await pool.close();
    assert.throws(() => new (stage.isProcess ? Pool : ThreadPool)(-1), { code: 'ERR_LOCKSTEP_OUT_OF_RANGE' });
  });

  stage.it('values of all sorts go there and back', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const value of VALUES) assert.deepEqual(await pool.apply(targets.same, [value]), value);
      const cyclic: Record<string, unknown> = { name: 'c' };
      cyclic.self = cyclic;
      const back = (await pool.apply(targets.same, [cyclic])) as typeof cyclic;
      assert.equal(back.self, back);
    }),
  );

  stage.it('bytes of any size go there and back, also more than a ring holds', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (const bytes of [1024 * 1024, 10 * 1024 * 1024]) {
        assert.equal((await pool.apply(targets.large, [bytes])).length, bytes);
        assert.equal(await pool.apply(targets.lengthOf, [targets.large(bytes)]), bytes);
      }
      const many = Array.from({ length: 12 }, () => pool.apply(targets.same, [targets.large(3_000_000)]));
      for (const each of await Promise.all(many)) assert.equal((each as Uint8Array).length, 3_000_000);
    }),
  );

  stage.it('shared objects are arguments and results', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using lock = new Lock();
      assert.equal(await pool.apply(targets.holdLock, [lock]), 'held');
      using array = new SharedArray('i32', 4);
      const back = (await pool.apply(targets.same, [array])) as SharedArray<'i32'>;
      back.set(2, 9);
      assert.equal(array.at(2), 9);
      back.close();
      using permits = new Semaphore(1);
      assert.equal(await pool.apply(targets.acquirePermit, [permits]), true);
    }),
  );

  stage.it('a change of an argument after the call is not seen', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const object = { value: 1 };
      const calls = Array.from({ length: 50 }, () => pool.apply(targets.setProperty, [object]));
      object.value = 2;
      assert.deepEqual(new Set(await Promise.all(calls)), new Set([1]));
    }),
  );

  stage.it('a call that blocks gets the same, and others go on meanwhile', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const other = pool.apply(targets.later, [4, 1]);
      for (let n = 0; n < 200; n++) assert.equal(pool.applySync(targets.add, [n, 1]), n + 1);
      assert.equal(await other, 4);
      assert.throws(() => pool.applySync(targets.fail, [3]), { name: 'OwnError', detail: 3 });
      assert.equal(pool.applySync(targets.add, [1, 1]), 2);
    }),
  );

  stage.it('Q196: an error keeps its class, message, cause and fields, with both stacks', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const own = await rejection(pool.apply(targets.fail, [7]));
      assert.equal(own.name, 'OwnError');
      assert.equal((own as targets.OwnError).detail, 7);
      assert.match(own.stack!, /pool-targets/, 'the stack of the worker');
      assert.match(own.stack!, /pool\.test/, 'and that of the call');
      const range = await rejection(pool.apply(targets.failRange, [1]));
      assert.ok(range instanceof RangeError && range.cause instanceof TypeError);
    }),
  );

  stage.it('Q204: a value that cannot be sent rejects that call alone', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const argument = await rejection(pool.apply(targets.same, [{ deep: [() => 1] }]));
      assert.equal(argument.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
      assert.match(argument.message, /same: args\[0\]\.deep\[0\] can't be sent/);
      const notExported = (): number => 1;
      assert.ok((await rejection(pool.apply(notExported))) instanceof TargetError);
      const missing = { module: new URL('../support/pool-targets.js', import.meta.url), export: 'missing' };
      assert.ok((await rejection(pool.apply(missing))) instanceof TargetError);
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    }),
  );

  stage.it('Q205: a result that cannot be sent, 20 times in a row, costs no worker', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const worker = await pool.apply(targets.whoami);
      for (let n = 0; n < 20; n++) {
        const error = await rejection(pool.apply(targets.returnFunction));
        assert.equal(error.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
        assert.match(
          error.message,
          new RegExp(`^${stage.kind}: returnFunction: its result\\.nested\\[0\\] can't be sent`),
        );
        assert.equal(error.cause, undefined);
      }
      const thrown = await rejection(pool.apply(targets.throwFunction));
      assert.equal(thrown.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
      assert.match(thrown.message, /: throwFunction: the value that it threw can't be sent/);
      const items = await pool.map(targets.functionFor2, [1, 2, 3], { settled: true });
      assert.match(String(Reflect.get(items[1]!, 'reason')), /: functionFor2: its result can't be sent/);
      const reported = await rejection(pool.apply(targets.reportFunction));
      assert.equal(reported.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
      assert.match(reported.message, /: reportFunction: its report\.fn can't be sent/);
      assert.equal(await pool.apply(targets.whoami), worker);
    }),
  );

  stage.it('a result whose getter throws rejects its call alone, and costs no worker', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using counts = new RawArray('i32', 6);
      const worker = await pool.apply(targets.whoami);
      const error = await rejection(pool.apply(targets.throwsWhenRead, [counts, 2]));
      assert.ok(error instanceof RangeError);
      assert.equal(error.message, 'read 2');
      assert.match((await rejection(pool.apply(targets.neverReadable))).message, /can't be sent either/);
      const items = await pool.starmap(
        targets.throwsWhenRead,
        [0, 1, 2, 3, 4, 5].map((n) => [counts, n] as const),
        { settled: true, chunkSize: 6 },
      );
      assert.deepEqual(
        items.map(({ status }) => status),
        [0, 1, 2, 3, 4, 5].map((n) => (n === 2 ? 'rejected' : 'fulfilled')),
      );
      assert.deepEqual(Array.from(counts), [1, 1, 2, 1, 1, 1], 'each item ran once');
      assert.equal(await pool.apply(targets.whoami), worker);
    }),
  );

  stage.it('Q206 HAZARD: an error that cannot be made again arrives all the same', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const error = await rejection(pool.apply(targets.failWithStrangeError));
      assert.equal(error.message, 'strange');
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    }),
  );

  stage.it('a getter of an argument may call the pool', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      let inner: Promise<number> | undefined;
      const object = {
        get value(): number {
          inner ??= pool.apply(targets.add, [4, 4]);
          return 3;
        },
      };
      assert.equal(await pool.apply(targets.setProperty, [object]), 3);
      assert.equal(await inner, 8);
    }),
  );

  stage.it('X49: a task may have a pool, and a process, of its own', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      assert.equal(await pool.apply(targets.nested, [stage.kind, 5]), 25);
      assert.equal(await pool.apply(targets.nestedProcess, [6]), 36);
    }),
  );

  stage.it('Q216: a pool cannot be sent, nor used when it was stopped', async () => {
    const pool = stage.make({ processes: 1 });
    const error = await rejection(pool.apply(targets.same, [pool]));
    assert.equal(error.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
    await pool.close();
    assert.ok((await rejection(pool.apply(targets.add, [1, 1]))) instanceof ClosedError);
    assert.throws(() => pool.applySync(targets.add, [1, 1]), ClosedError);
  });

  stage.it('more tasks than may wait are refused', () =>
    stage.withPool({ processes: 1, maxQueue: 3 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      // Two are handed out; three wait.
      const calls = Array.from({ length: 5 }, () => pool.apply(targets.runUntil, [began, go]));
      assert.ok((await rejection(pool.apply(targets.add, [1, 1]))) instanceof QueueFullError);
      go.set();
      await Promise.all(calls);
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    }),
  );
});

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

poolSuite('deaths', (stage) => {
  stage.it('Q211, Q213 HAZARD: a task that ends its worker rejects, and nothing else does', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      const others = Array.from({ length: 40 }, (_, n) => pool.apply(targets.later, [n, 1]));
      const error = await rejection(pool.apply(targets.exit, [7]));
      assert.ok(error instanceof WorkerDiedError);
      assert.equal(error.exitCode, 7);
      assert.equal(error.attempts, 1);
      assert.equal(error.task, 'exit(7)');
      assert.match(
        error.message,
        /that was running exit\(7\) has ended with exit code 7, \d+ ms after its start; .*pass \{ retries \}$/,
      );
      assert.match(error.stack!, /pool\.test/);
      assert.deepEqual(
        await Promise.all(others),
        Array.from({ length: 40 }, (_, n) => n),
      );
      const zero = await rejection(pool.apply(targets.exit, [0], { retries: 1 }));
      assert.ok(zero instanceof WorkerDiedError);
      assert.equal(zero.attempts, 2);
      assert.match(zero.message, /in attempt 2; its retries are used up/);
      const [item] = await pool.map(targets.exit, [8], { settled: true });
      assert.match(String(Reflect.get(item!, 'reason')), /that was running exit\(8\) has ended with/);
      const { restarts, causes, recycled } = pool.stats;
      assert.deepEqual([restarts, causes.exit, recycled], [4, 4, 0]);
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    }),
  );

  if (stage.isProcess) {
    stage.it('Q211 HAZARD: SIGKILL of a worker that runs, and of one that is stopped', () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        using began = new Queue<number>();
        using go = new Event();
        for (const stopped of [false, true]) {
          const call = pool.apply(targets.blockUntil, [began, go]);
          const pid = await began.get();
          if (stopped) process.kill(pid, 'SIGSTOP');
          process.kill(pid, 'SIGKILL');
          const error = await rejection(call);
          assert.ok(error instanceof WorkerDiedError);
          assert.equal(error.pid, pid);
          assert.equal(error.signal, 'SIGKILL');
          assert.match(error.message, /blockUntil\(.*was killed by SIGKILL/s);
        }
        assert.equal(await pool.apply(targets.add, [1, 1]), 2);
      }),
    );

    stage.it('Q212 HAZARD: SIGKILL of idle workers costs nothing', () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        for (let round = 0; round < 5; round++) {
          const pid = await pool.apply(targets.whoami);
          process.kill(pid, 'SIGKILL');
          const calls = Array.from({ length: 20 }, (_, n) => pool.apply(targets.add, [n, 1], { retries: 1 }));
          assert.equal((await Promise.all(calls)).at(-1), 20);
        }
      }),
    );

    stage.it('arguments that a worker can’t read reject the call, and nothing else', () =>
      stage.withPool({ processes: 1 }, async (pool) => {
        using began = new Queue<number>();
        using go = new Event();
        const busy = pool.apply(targets.runUntil, [began, go]);
        const worker = await began.get();
        const memory = new SharedMemory({ create: true, size: 4096 });
        const call = rejection(pool.apply(targets.same, [memory]));
        memory.close();
        memory.unlink();
        go.set();
        const error = await call;
        assert.equal(error.code, 'ERR_LOCKSTEP_NOT_SENDABLE');
        assert.match(error.message, /can't read the arguments of same\(/);
        assert.equal(await busy, worker);
        assert.equal(await pool.apply(targets.same, [2]), 2);
      }),
    );

    stage.it('process.abort and a full heap are reported as what they are', () =>
      stage.withPool({ processes: 1 }, async (pool) => {
        const error = await rejection(pool.apply(targets.abort));
        assert.ok(error instanceof WorkerDiedError);
        assert.equal(error.signal, 'SIGABRT');
        assert.equal(error.outOfMemory, false);
        const full = await rejection(pool.apply(targets.abortAsFullHeap));
        assert.ok(full instanceof WorkerDiedError);
        assert.deepEqual([full.signal, full.outOfMemory], ['SIGABRT', true]);
        assert.match(full.message, /--max-old-space-size/);
        const killed = await rejection(pool.apply(targets.killSelf));
        assert.equal((killed as WorkerDiedError).outOfMemory, false);
      }),
    );

    stage.it('retries: a task whose worker dies runs again, as often as that', () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        using counts = new RawArray('i32', 4);
        const calls = Array.from({ length: 4 }, (_, n) =>
          pool.apply(targets.killFirst, [counts, n], { retries: 1 }),
        );
        assert.deepEqual(
          await Promise.all(calls),
          Array.from({ length: 4 }, (_, n) => n),
        );
        assert.deepEqual(
          Array.from(counts),
          Array.from({ length: 4 }, () => 2),
        );
        const error = await rejection(pool.apply(targets.killSelf, [], { retries: 2 }));
        assert.equal((error as WorkerDiedError).attempts, 3);
      }),
    );
  }

  stage.it('a worker that dies while this thread is blocked in applySync is seen', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      assert.throws(() => pool.applySync(targets.exit, [3]), WorkerDiedError);
      assert.equal(pool.applySync(targets.add, [1, 1]), 2);
    }),
  );

  stage.it('results that were put before the end count', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const calls = Array.from({ length: 30 }, (_, n) => pool.apply(targets.add, [n, 0]));
      const last = pool.apply(targets.exit, [0]);
      assert.deepEqual(
        await Promise.all(calls),
        Array.from({ length: 30 }, (_, n) => n),
      );
      assert.ok((await rejection(last)) instanceof WorkerDiedError);
    }),
  );
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
      assert.match(stack!, /pool\.test/);
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
      assert.ok(pool.stats.causes.tasks >= 2);
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
