/** Tasks that are given up: by signal, by time, by handle; withdrawn, asked to stop, killed. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { ClosedError, Event, Lock, Queue, TaskTimeoutError } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import { poolSuite, rejection } from '../support/pools.ts';
import { PATIENCE_MS, until } from '../support/until.ts';

poolSuite('cancel', (stage) => {
  stage.it('S232: a waiting task is withdrawn, in the heap and in the ring, and never runs', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      using log = new Queue<number>();
      const first = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const tasks = Array.from({ length: 10 }, (_, n) => pool.submit(targets.noteRun, [log, n]));
      assert.deepEqual([...new Set(tasks.map(({ status }) => status))], ['queued']);
      for (const task of tasks.slice(1)) assert.equal(task.cancel(), true);
      for (const task of tasks.slice(1)) {
        assert.ok((await rejection(task)) instanceof ClosedError);
        assert.equal(task.status, 'cancelled');
        await task.ended;
        assert.equal(task.cancel(), false);
      }
      go.set();
      await first;
      assert.equal(await tasks[0], 0);
      assert.equal(tasks[0]!.status, 'done');
      assert.equal(tasks[0]!.cancel(), false);
      assert.equal(log.size, 1);
    }),
  );

  stage.it('a loop without await sees the abort; its worker lives on', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      const controller = new AbortController();
      const { signal } = controller;
      const task = pool.submit(targets.spinUntilAborted, [began], { signal });
      const worker = await began.get();
      assert.equal(task.status, 'running');
      assert.equal(task.pid, stage.isProcess ? worker : task.pid);
      controller.abort(new Error('enough'));
      assert.equal((await rejection(task)).message, 'enough');
      await task.ended;
      assert.equal(await pool.apply(targets.whoami), worker);
    }),
  );

  stage.it('the signal of a task that awaits aborts, and its worker lives on', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      const task = pool.submit(targets.awaitAbort, [began, seen]);
      const worker = await began.get();
      assert.equal(task.cancel(new Error('stop')), true);
      assert.equal(task.status, 'aborting');
      assert.equal((await rejection(task)).message, 'stop');
      assert.equal(await seen.get(), 'aborted');
      await task.ended;
      assert.equal(await pool.apply(targets.whoami), worker);
    }),
  );

  stage.it('a task that blocks in a wait with its signal is woken, and its worker lives on', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      using go = new Event();
      const worker = await pool.apply(targets.whoami);
      for (const how of ['event', 'any', 'queue', 'permit', 'barrier']) {
        const task = pool.submit(targets.blockWithSignal, [began, go, how, seen]);
        await began.get();
        task.cancel();
        await rejection(task);
        assert.equal(await seen.get(), 'AbortError', how);
        await task.ended;
      }
      using lock = new Lock();
      const hold = await lock.acquire();
      const task = pool.submit(targets.acquireWithSignal, [began, lock, seen]);
      await began.get();
      task.cancel();
      await rejection(task);
      assert.equal(await seen.get(), 'AbortError');
      hold.release();
      await task.ended;
      assert.equal(await pool.apply(targets.whoami), worker);
    }),
  );

  stage.it('one that hears nothing is killed after the grace, and no other task with it', () =>
    stage.withPool({ processes: 1, grace: 10 }, async (pool) => {
      using began = new Queue<number>();
      const task = pool.submit(targets.spinForEver, [began]);
      const worker = await began.get();
      const others = Array.from({ length: 20 }, (_, n) => pool.apply(targets.add, [n, 1]));
      task.cancel();
      assert.ok((await rejection(task)) instanceof ClosedError);
      assert.deepEqual(
        await Promise.all(others),
        Array.from({ length: 20 }, (_, n) => n + 1),
      );
      assert.notEqual(await pool.apply(targets.whoami), worker);
      await task.ended;
      // A wait that was not given the signal is not broken.
      using go = new Event();
      const blocked = pool.submit(targets.blockUntil, [began, go]);
      await began.get();
      assert.equal(blocked.cancel(new Error('first')), true);
      assert.equal(blocked.cancel(new Error('second')), false);
      assert.equal((await rejection(blocked)).message, 'first');
      await blocked.ended;
      assert.deepEqual([blocked.status, blocked.cancel()], ['cancelled', false]);
    }),
  );

  stage.it('S235: a task has one outcome: a result that comes after its cancel changes nothing', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const task = pool.submit(targets.runUntil, [began, go]);
      await began.get();
      task.cancel(new Error('enough'));
      go.set();
      await task.ended;
      assert.equal((await rejection(task)).message, 'enough');
      assert.equal(task.status, 'cancelled');
      const { done, cancelled } = pool.stats;
      assert.deepEqual([done, cancelled], [0, 1]);
      const ended = pool.submit(targets.add, [1, 2]);
      await ended;
      ended.kill();
      assert.deepEqual([await ended, ended.status], [3, 'done']);
      const doomed = pool.submit(targets.spinForEver, [began]);
      await began.get();
      doomed.kill();
      assert.match((await rejection(doomed)).message, /its task's kill\(\) was called/);
    }),
  );

  stage.it('kill ends it at once; a grace of 0 does the same', async () => {
    await stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      const task = pool.submit(targets.spinForEver, [began]);
      await began.get();
      task.kill();
      assert.ok((await rejection(task)) instanceof ClosedError);
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    });
    await stage.withPool({ processes: 1, grace: 0 }, async (pool) => {
      using began = new Queue<number>();
      const task = pool.submit(targets.spinForEver, [began]);
      await began.get();
      task.cancel();
      await task.ended;
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
    });
  });

  stage.it('a signal that is aborted already, or in the same turn, lets nothing run', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using log = new Queue<number>();
      const aborted = AbortSignal.abort(new Error('before'));
      const options = { signal: aborted };
      assert.equal((await rejection(pool.apply(targets.noteRun, [log, 1], options))).message, 'before');
      assert.throws(() => pool.applySync(targets.noteRun, [log, 1], options), /before/);
      assert.equal((await rejection(pool.submit(targets.noteRun, [log, 1], options))).message, 'before');
      const controller = new AbortController();
      using began = new Queue<number>();
      using go = new Event();
      const first = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const call = rejection(pool.apply(targets.noteRun, [log, 2], { signal: controller.signal }));
      controller.abort(new Error('at once'));
      assert.equal((await call).message, 'at once');
      go.set();
      await first;
      await pool.apply(targets.add, [1, 1]);
      assert.equal(log.size, 0);
    }),
  );

  stage.it('one signal over 10,000 tasks: no warning, and nothing is left on it', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const warnings: Error[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on('warning', note);
      const { signal } = new AbortController();
      const calls = Array.from({ length: 10_000 }, (_, n) => pool.apply(targets.add, [n, 1], { signal }));
      assert.equal((await Promise.all(calls)).length, 10_000);
      assert.deepEqual(getEventListeners(signal, 'abort'), []);
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', note);
      assert.deepEqual(
        warnings.filter(({ name }) => name === 'MaxListenersExceededWarning'),
        [],
      );
    }),
  );

  stage.it('cancelling one task neither stops nor kills those that come after', () =>
    stage.withPool({ processes: 1, grace: 0 }, async (pool) => {
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, async (_, n) => {
          const controller = new AbortController();
          const call = pool.apply(targets.add, [n, 1], { signal: controller.signal }).catch(() => -1);
          if (n % 2 === 0) controller.abort();
          return await call;
        }),
      );
      outcomes.forEach((outcome, n) => {
        if (n % 2 === 1) assert.equal(outcome, n + 1);
      });
    }),
  );
});

poolSuite('cancel, as other pools got it wrong', (stage) => {
  // As https://github.com/josdejong/workerpool/issues/548.
  stage.it('a task that begins within the grace of one that was cancelled is not killed at its end', () =>
    stage.withPool({ processes: 1, grace: 40 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      const first = pool.submit(targets.awaitAbort, [began, seen]);
      await began.get();
      // It runs past the end of the grace.
      const second = pool.submit(targets.later, ['second', 120]);
      first.cancel(new Error('enough'));
      assert.equal((await rejection(first)).message, 'enough');
      assert.equal(await second, 'second');
      // A cancel or kill that comes too late does not hit the next task either.
      for (let n = 0; n < 20; n++) {
        const controller = new AbortController();
        const task = pool.submit(targets.add, [n, 1], { signal: controller.signal });
        assert.equal(await task, n + 1);
        const next = pool.apply(targets.later, [n, 1]);
        assert.equal(task.cancel(), false);
        task.kill();
        controller.abort();
        assert.equal(await next, n);
      }
    }),
  );

  // As https://github.com/piscinajs/piscina/issues/805.
  stage.it('tasks behind one that was cancelled while it waited begin, though the first was, too', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      const controllers = [new AbortController(), new AbortController()] as const;
      const [first, second] = controllers;
      const running = rejection(pool.apply(targets.awaitAbort, [began, seen], { signal: first.signal }));
      await began.get();
      const waiting = rejection(pool.apply(targets.add, [1, 1], { signal: second.signal }));
      const third = pool.apply(targets.add, [2, 2]);
      second.abort(new Error('second'));
      first.abort(new Error('first'));
      assert.equal((await running).message, 'first');
      assert.equal((await waiting).message, 'second');
      assert.equal(await third, 4);
    }),
  );
});

poolSuite('group', (stage) => {
  stage.it('is done when all its tasks are, also those that came later', () =>
    stage.withPool({ processes: 2 }, async (pool) => {
      await using group = pool.group();
      const sums = [1, 2, 3].map((n) => group.submit(targets.later, [n, n]));
      void sums[0]!.then(() => sums.push(group.submit(targets.later, [4, 1])));
      await group.done();
      assert.deepEqual(await Promise.all(sums), [1, 2, 3, 4]);
      assert.equal(group.size, 4);
    }),
  );

  stage.it('the first error cancels what runs and what waits, and is that of the group', () =>
    stage.withPool({ processes: 2, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      using log = new Queue<number>();
      const group = pool.group();
      const runs = group.submit(targets.awaitAbort, [began, seen]);
      await began.get();
      const fails = group.submit(targets.fail, [1]);
      const waits = Array.from({ length: 20 }, (_, n) =>
        group.submit(targets.noteRun, [log, n], { priority: -1 }),
      );
      const error = await rejection(group.done());
      assert.equal(error.message, 'failed with 1');
      assert.equal(await rejection(fails), error);
      assert.equal(await rejection(runs), error);
      assert.equal(await seen.get(), 'aborted');
      const outcomes = await Promise.allSettled(waits);
      // One that had run may have been cancelled before its result was read.
      const fulfilled = outcomes.filter(({ status }) => status === 'fulfilled').length;
      assert.ok(fulfilled <= log.size, `${fulfilled} have a result, ${log.size} ran`);
      assert.throws(() => group.submit(targets.add, [1, 2]), { code: 'ERR_LOCKSTEP_CLOSED' });
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    }),
  );

  stage.it('a signal, cancel, and the end of its scope cancel it, and nothing of it runs after that', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using seen = new Queue<string>();
      const controller = new AbortController();
      const group = pool.group({ signal: controller.signal });
      void group.submit(targets.awaitAbort, [began, seen]);
      await began.get();
      controller.abort(new Error('enough'));
      assert.equal((await rejection(group.done())).message, 'enough');
      const other = pool.group();
      const task = other.submit(targets.awaitAbort, [began, seen]);
      await began.get();
      other.cancel();
      assert.match((await rejection(other.done())).message, /cancel\(\) of its group was called/);
      assert.equal(task.status, 'cancelled');
      {
        await using scoped = pool.group();
        void scoped.submit(targets.awaitAbort, [began, seen]);
        await began.get();
      }
      assert.equal(seen.size, 3);
      assert.equal(pool.stats.handedOut, 0);
      assert.throws(() => pool.group({ signal: AbortSignal.abort(new Error('before')) }), /before/);
    }),
  );
});

poolSuite('time', (stage) => {
  stage.it('timeout counts from the task’s start, not from the call', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const first = pool.apply(targets.runUntil, [began, go]);
      await began.get();
      const waited = pool.apply(targets.later, ['x', 1], { timeout: 2000 });
      const late = rejection(pool.apply(targets.later, ['y', 100_000], { timeout: 30 }));
      await new Promise((resolve) => setTimeout(resolve, 60));
      go.set();
      await first;
      assert.equal(await waited, 'x', 'it has waited, and not run, for longer than that');
      const error = await late;
      assert.ok(error instanceof TaskTimeoutError);
      assert.equal(error.code, 'ERR_LOCKSTEP_TASK_TIMEOUT');
      assert.equal(error.limit, 30);
    }),
  );

  stage.it('queueTimeout counts the waiting, and not the running', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const first = pool.apply(targets.runUntil, [began, go], { queueTimeout: PATIENCE_MS });
      await began.get();
      const error = await rejection(pool.apply(targets.add, [1, 1], { queueTimeout: 20 }));
      assert.ok(error instanceof TaskTimeoutError);
      assert.match(error.message, /queueTimeout of 20 ms/);
      go.set();
      await first;
      assert.equal(await pool.apply(targets.later, [3, 30], { queueTimeout: PATIENCE_MS }), 3);
    }),
  );

  stage.it('a task that is lost and timed out is not begun again', () =>
    stage.withPool({ processes: 1, grace: 0 }, async (pool) => {
      using began = new Queue<number>();
      const error = await rejection(pool.apply(targets.spinForEver, [began], { timeout: 20, retries: 5 }));
      assert.ok(error instanceof TaskTimeoutError);
      assert.equal(await pool.apply(targets.add, [1, 1]), 2);
      assert.ok(began.size <= 1, `it has begun ${began.size} times`);
    }),
  );

  stage.it('an applySync that timed out does not disturb the next', () =>
    stage.withPool({ processes: 1, grace: 20_000 }, async (pool) => {
      using began = new Queue<number>();
      using go = new Event();
      const late = (): unknown => pool.applySync(targets.runUntil, [began, go], { timeout: 10 });
      assert.throws(late, TaskTimeoutError);
      go.set();
      assert.equal(pool.applySync(targets.add, [2, 2]), 4);
    }),
  );

  stage.it('a task reports to its caller, and to the pool', () =>
    stage.withPool({ processes: 1 }, async (pool) => {
      const seen: unknown[] = [];
      const all: unknown[] = [];
      pool.on('report', (value) => void all.push(value));
      const done = await pool.apply(targets.report, [3], { onReport: (value) => void seen.push(value) });
      assert.equal(done, 'reported');
      assert.deepEqual(seen, [0, 1, 2]);
      await until(() => all.length === 3, 'the event');
    }),
  );
});
