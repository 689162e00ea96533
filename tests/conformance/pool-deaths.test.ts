/** The contract of Pool and ThreadPool: workers that die. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { Event, Queue, RawArray, SharedMemory, WorkerDiedError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';

interface End {
  readonly how: string;
  readonly exitCode: number;
  readonly signal?: NodeJS.Signals;
  readonly message: RegExp;
}

const EXITS: readonly End[] = [
  { how: 'exit 0', exitCode: 0, message: /exit code 0/ },
  { how: 'exit 7', exitCode: 7, message: /exit code 7/ },
  { how: 'throw', exitCode: 1, message: /of no task/ },
  { how: 'reject', exitCode: 1, message: /of no task/ },
];
/** A thread has no signals, and `process.abort` of a thread ends the program. */
const SIGNALS: readonly End[] = (['SIGABRT', 'SIGKILL', 'SIGSEGV'] as const).map((signal) => {
  const how = signal === 'SIGABRT' ? 'abort' : signal;
  return { how, exitCode: -constants.signals[signal], signal, message: new RegExp(`killed by ${signal}`) };
});

poolSuite('deaths', (stage) => {
  stage.it(
    'whatever ends a worker: its call rejects with its pid and function, and all others are done',
    () =>
      stage.withPool({ processes: 2 }, async (pool) => {
        using began = new Queue<number>();
        for (const { how, exitCode, signal, message } of stage.isProcess ? [...EXITS, ...SIGNALS] : EXITS) {
          using go = new Event();
          using busy = new Queue<number>();
          const other = pool.apply(targets.runUntil, [busy, go]);
          const survivor = await busy.get();
          const others = [0, 1, 2].map((n) => pool.apply(targets.add, [n, 1]));
          const call = rejection(pool.apply(targets.endBy, [began, how]));
          const behind = [3, 4, 5].map((n) => pool.apply(targets.add, [n, 1]));
          const victim = await began.get();
          const error = (await call) as WorkerDiedError;
          assert.ok(error instanceof WorkerDiedError, `${how}: ${error}`);
          const { pid, task, attempts, outOfMemory } = error;
          assert.deepEqual([pid, error.exitCode, error.signal], [victim, exitCode, signal], how);
          assert.deepEqual([attempts, outOfMemory], [1, false], how);
          assert.match(task!, /^endBy\(/, how);
          assert.ok(message.test(`${error.message} ${error.cause}`), `${how}: ${error.message}`);
          assert.deepEqual(await Promise.all([...others, ...behind]), [1, 2, 3, 4, 5, 6], how);
          go.set();
          assert.equal(await other, survivor, how);
        }
      }),
  );

  stage.it('the same while this thread blocks for that call', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      const first = pool.apply(targets.add, [1, 2]);
      const how = stage.isProcess ? 'SIGKILL' : 'exit 7';
      assert.throws(
        () => pool.applySync(targets.endBy, [began, how]),
        (error) => {
          assert.ok(error instanceof WorkerDiedError);
          assert.equal(error.pid, began.tryGet());
          assert.match(error.task!, /^endBy\(/);
          return true;
        },
      );
      assert.equal(pool.applySync(targets.add, [1, 1]), 2);
      assert.equal(await first, 3);
    }),
  );

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
      assert.match(error.stack!, /pool-deaths\.test/);
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
      for (const code of [0, 7]) {
        const calls = Array.from({ length: 30 }, (_, n) => pool.apply(targets.add, [n, 0]));
        const last = rejection(pool.apply(targets.exit, [code]));
        assert.deepEqual(
          await Promise.all(calls),
          Array.from({ length: 30 }, (_, n) => n),
        );
        assert.ok((await last) instanceof WorkerDiedError);
      }
    }),
  );
});
