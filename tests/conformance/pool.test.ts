/** The contract of Pool and ThreadPool: calls and their values. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import {
  ClosedError,
  Event,
  Lock,
  Pool,
  Queue,
  QueueFullError,
  RawArray,
  Semaphore,
  SharedArray,
  TargetError,
  ThreadPool,
} from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';

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

/** Bytes of arguments and results. */
const SIZES = [1, 10, ...(process.env.LOCKSTEP_MODEL === 'deep' ? [200] : [])].map(
  (size) => size * 1024 * 1024,
);

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
      for (const bytes of SIZES) {
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
      const evil = await rejection(pool.apply(targets.throwInThen));
      assert.equal(evil.message, 'then was read');
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
      assert.equal(await pool.apply(targets.nested, ['Pool', 5]), 25);
      assert.equal(await pool.apply(targets.nested, ['ThreadPool', 7]), 49);
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
