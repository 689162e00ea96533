/** Pools: the values of a generator that runs in a worker, one after the other. */

import assert from 'node:assert/strict';
import {
  ClosedError,
  InvalidTypeError,
  NotSendableError,
  OutOfRangeError,
  Queue,
  TaskTimeoutError,
  TimedOutError,
  WorkerDiedError,
} from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool, PoolStage } from '../support/pools.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { until } from '../support/until.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

async function all<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const come: Value[] = [];
  for await (const value of values) come.push(value);
  return come;
}

/** The values up to the error, and the error. */
async function upToError(
  values: AsyncIterable<unknown>,
): Promise<{ come: unknown[]; error: Error & { code?: string } }> {
  const come: unknown[] = [];
  const error = await rejection(
    (async () => {
      for await (const value of values) come.push(value);
    })(),
  );
  return { come, error };
}

/** Both with workers and without. */
const COUNTS = [1, 0];

poolSuite('stream', (stage: PoolStage) => {
  for (const processes of COUNTS) {
    const where = processes === 0 ? ', in this thread' : '';

    stage.it(`gives all values in order, of any generator or iterable, with any credit${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        using log = new Queue<number>();
        for (const ahead of [1, 2, 3, 64])
          assert.deepEqual(await all(pool.stream(targets.countTo, [200], { ahead })), numbers(200));
        assert.deepEqual(await all(pool.stream(targets.countSlowly, [5, log])), numbers(5));
        assert.deepEqual(await all(pool.stream(targets.listLater, [[3, 1, 2]])), [3, 1, 2]);
        assert.deepEqual(await all(pool.stream(targets.countTo, [0])), []);
        const sizes = (await all(pool.stream(targets.countBytes, [12, 2 ** 20], { ahead: 4 }))).map(
          (bytes) => [bytes.length, bytes[0], bytes.at(-1)],
        );
        assert.deepEqual(
          sizes,
          numbers(12).map((n) => [2 ** 20, n, n]),
        );
      }),
    );

    stage.it(`is never further ahead of its reader than it may be${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        using log = new Queue<number>();
        const values = pool.stream(targets.countSlowly, [1000, log], { ahead: 4 });
        for (let read = 0; read < 40; read++) {
          // Half of the credit comes back at a time.
          await until(() => log.size >= read + 3 || read === 0, 'the generator to go on');
          assert.ok(log.size <= read + 4, `${log.size} values with ${read} read`);
          assert.deepEqual(await values.next(), { done: false, value: read });
        }
        await values.return();
        assert.ok(log.size <= 45);
      }),
    );

    stage.it(`a value for which its reader waits gives its credit back when it comes${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        using permits = new Queue<number>();
        using log = new Queue<number>();
        const values = pool.stream(targets.countOn, [permits, log], { ahead: 1 });
        for (let read = 0; read < 5; read++) {
          const next = values.next();
          await permits.put(1);
          assert.deepEqual(await next, { done: false, value: 2 * read });
          // The generator goes on before the next one is asked for.
          await permits.put(1);
          await until(() => log.size === 2 * read + 2, 'the generator to go on');
          assert.deepEqual(await values.next(), { done: false, value: 2 * read + 1 });
        }
        // Let the generator come to its next yield, where it can end.
        await permits.put(1);
        await values.return();
      }),
    );

    stage.it(`break stops the generator: its finally runs, and its worker goes on${where}`, () =>
      stage.withPool({ processes, grace: 20_000 }, async (pool) => {
        using closed = new Queue<string>();
        using began = new Queue<number>();
        for await (const n of pool.stream(targets.countTo, [1e9, closed])) if (n === 100) break;
        assert.equal(closed.tryGet(), 'closed');
        assert.equal(await pool.apply(targets.add, [1, 2]), 3);
        // In the middle of its work it gets its signal.
        const values = pool.stream(targets.waitForAbort, [began, closed]);
        assert.deepEqual(await values.next(), { done: false, value: 1 });
        await began.get();
        assert.deepEqual(await values.return(), { done: true, value: undefined });
        assert.deepEqual([closed.tryGet(), closed.tryGet()], ['aborted', 'closed']);
        assert.deepEqual(await values.next(), { done: true, value: undefined });
        const last = pool.stream(targets.failInFinally, [], { ahead: 1 });
        await last.next();
        assert.match((await rejection(last.return())).message, /^failed with 7/);
        assert.equal(pool.stats.handedOut, 0);
      }),
    );

    stage.it(`an error, or a value that can't be sent, comes after the values before it${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        for (const ahead of [1, 64]) {
          const thrown = await upToError(pool.stream(targets.countAnd, [5, 'throw'], { ahead }));
          assert.deepEqual(thrown.come, numbers(5));
          assert.match(thrown.error.message, /^failed with 5/);
          const unsent = await upToError(pool.stream(targets.countAnd, [5, 'function'], { ahead }));
          assert.deepEqual(unsent.come, numbers(5));
          assert.ok(unsent.error instanceof NotSendableError);
          assert.match(unsent.error.message, /countAnd: the value that it yielded/);
        }
        const values = pool.stream(targets.countAnd, [0, 'throw']);
        await rejection(values.next());
        assert.deepEqual(await values.next(), { done: true, value: undefined });
        const { error } = await upToError(pool.stream(targets.add as never, [1, 2] as never));
        assert.ok(error instanceof InvalidTypeError);
        assert.match(error.message, /the function gave 3; export a generator function/);
        assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      }),
    );

    stage.it(`ends with its signal, its timeout, and its pool${where}`, () =>
      stage.withPool({ processes, grace: 20_000 }, async (pool) => {
        using closed = new Queue<string>();
        using began = new Queue<number>();
        const controller = new AbortController();
        const { signal } = controller;
        const values = pool.stream(targets.waitForAbort, [began, closed], { signal });
        await values.next();
        await began.get();
        const next = rejection(values.next());
        controller.abort(new Error('enough'));
        assert.equal((await next).message, 'enough');
        assert.deepEqual([await closed.get(), await closed.get()], ['aborted', 'closed']);
        assert.throws(() => pool.stream(targets.countTo, [5], { signal }), /enough/);
        const late = await upToError(pool.stream(targets.waitForAbort, [began, closed], { timeout: 20 }));
        assert.deepEqual(late.come, [1]);
        assert.ok(late.error instanceof TaskTimeoutError);
        assert.deepEqual([await closed.get(), await closed.get()], ['aborted', 'closed']);
        // A stream that nobody reads does not hold up the end of its pool.
        const unread = pool.stream(targets.countTo, [1e9, closed], { ahead: 2 });
        await pool.close();
        assert.equal(await closed.get(), 'closed');
        const { come, error } = await upToError(unread);
        assert.deepEqual(come, [0, 1]);
        assert.ok(error instanceof ClosedError);
        assert.throws(() => pool.stream(targets.countTo, [5]), ClosedError);
      }),
    );

    stage.it(`a terminated pool ends it${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        const values = pool.stream(targets.countTo, [1e9]);
        await values.next();
        void pool.terminate();
        assert.ok((await upToError(values)).error instanceof ClosedError);
      }),
    );

    stage.it(`the generator knows its task${where}`, () =>
      stage.withPool({ processes }, async (pool) => {
        const reports: unknown[] = [];
        const onReport = (value: unknown): void => void reports.push(value);
        assert.deepEqual(await all(pool.stream(targets.reportEach, [3], { onReport })), [
          false,
          false,
          false,
        ]);
        assert.deepEqual(reports, [0, 1, 2]);
      }),
    );
  }

  const dies = (pool: AnyPool, then: 'die' | 'exit', ahead: number): Promise<void> =>
    upToError(pool.stream(targets.countAnd, [5, then], { ahead })).then(({ come, error }) => {
      assert.deepEqual(come, numbers(5));
      assert.ok(error instanceof WorkerDiedError, String(error));
      assert.match(error.message, /was running countAnd\(5, /);
    });

  stage.it('when its worker dies, it rejects after the values that came, and does not run again', () =>
    stage.withPool({ processes: 1, retries: 3 }, async (pool) => {
      for (const ahead of [1, 64]) await dies(pool, stage.isProcess ? 'die' : 'exit', ahead);
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    }),
  );

  stage.it('a generator that does not stop is ended by force after the grace', () =>
    stage.withPool({ processes: 1, grace: 20 }, async (pool) => {
      using began = new Queue<number>();
      const values = pool.stream(targets.spinAfterOne, [began]);
      await values.next();
      await began.get();
      assert.deepEqual(await values.return(), { done: true, value: undefined });
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      assert.equal(pool.stats.causes.grace, 1);
    }),
  );

  stage.it('a stream that waits for its reader keeps its worker; with concurrency others run beside it', () =>
    stage.withPool({ processes: 1, concurrency: 2 }, async (beside) =>
      stage.withPool({ processes: 1 }, async (pool) => {
        const options = { ahead: 1 };
        const values = pool.stream(targets.countTo, [3], options);
        await values.next();
        const withdrawn = await rejection(pool.apply(targets.add, [1, 2], { queueTimeout: 20 }));
        assert.ok(withdrawn instanceof TaskTimeoutError);
        const call = pool.apply(targets.add, [1, 2]);
        assert.deepEqual(await all(values), [1, 2]);
        assert.equal(await call, 3);
        const others = beside.stream(targets.countTo, [3], options);
        await others.next();
        assert.equal(await beside.apply(targets.add, [1, 2]), 3);
        const both = await Promise.all([all(others), all(beside.stream(targets.countTo, [50], options))]);
        assert.deepEqual(both, [[1, 2], numbers(50)]);
      }),
    ),
  );

  stage.it('a next that times out loses nothing; a waiting stream is withdrawn', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      const values = pool.stream(targets.waitForAbort, [began, seen]);
      await values.next();
      await began.get();
      assert.ok((await rejection(values.next({ timeout: 5 }))) instanceof TimedOutError);
      const waiting = pool.stream(targets.countTo, [3], { queueTimeout: 5 });
      assert.ok((await rejection(waiting.next())) instanceof TaskTimeoutError);
      const never = pool.stream(targets.countTo, [3]);
      assert.deepEqual(await never.return(), { done: true, value: undefined });
      await values.return();
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
      assert.equal(pool.stats.queued, 0);
    }),
  );

  stage.it('reports that fill the ring all come before the result', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      for (let round = 0; round < 3; round++) {
        let come = 0;
        const onReport = (): void => void come++;
        assert.equal(await pool.apply(targets.reportMuch, [400, 100_000], { onReport }), 400);
        assert.equal(come, 400);
      }
    }),
  );

  // The memory of a thread is that of all threads.
  if (stage.isProcess) {
    stage.it('reports that come faster than they are read make a worker no larger', () =>
      stage.withPool({ processes: 1 }, async (pool) => {
        let come = 0;
        const onReport = (): void => void come++;
        const grown = await pool.apply(targets.reportAndGrow, [250, 1_000_000], { onReport });
        assert.equal(come, 250);
        assert.ok(grown < 180_000_000, `it has grown by ${grown} bytes`);
      }),
    );
  }

  stage.it('reports hold up no task for which the pool’s thread waits', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using queue = new Queue<string>();
      const come: unknown[] = [];
      const onReport = ([n]: [number]): void => void come.push(n);
      const done = pool.apply(targets.reportThenPut, [12, 1_000_000, queue], {
        onReport: onReport as (value: unknown) => void,
      });
      // Reads no report meanwhile; the ring has room for some of them only.
      assert.equal(queue.getSync(), 'reported');
      assert.equal(await done, 'done');
      assert.deepEqual(
        come,
        Array.from({ length: 13 }, (_, n) => n),
      );
    }),
  );

  stage.it('joinSync ends a stream that nobody can read meanwhile', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using closed = new Queue<string>();
      const values = pool.stream(targets.countTo, [1e9, closed], { ahead: 2 });
      void pool.close();
      assert.equal(pool.joinSync(), true);
      assert.equal(closed.tryGet(), 'closed');
      assert.ok((await upToError(values)).error instanceof ClosedError);
    }),
  );

  stage.it('refuses what is wrong', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const stream = (options: object, args: unknown[] = [3]) =>
        pool.stream(targets.countTo, args as [number], options);
      assert.throws(() => stream({ ahead: 0 }), OutOfRangeError);
      assert.throws(() => stream({ ahead: '5' }), InvalidTypeError);
      assert.throws(() => stream({ retries: 1 }), /unknown option `retries`/);
      assert.throws(() => stream({ onReport: 5 }), InvalidTypeError);
      assert.throws(() => stream({}, [{ at: () => 1 }]), NotSendableError);
      assert.throws(() => pool.stream(() => [1]), { name: 'TargetError' });
      assert.deepEqual(await all(stream({ priority: 1, key: 'a' })), numbers(3));
    }),
  );
});
