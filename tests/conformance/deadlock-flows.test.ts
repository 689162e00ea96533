/**
 * Deadlocks of flows that await: where it is certain that no other flow can help, and where it is
 * not.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Barrier, Condition, DeadlockError, Lock, Process, RLock, Thread } from 'lockstep';
import { takesBoth, takesBothAndLetsGo } from '../support/nested-targets.ts';
import { HANG_MS, until, untilWaiting } from '../support/until.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a deadlock of flows in one thread', { timeout: HANG_MS }, () => {
  for (const Class of [Lock, RLock]) {
    it(`is reported to the run whose wait completes it (${Class.name})`, async () => {
      const [a, b] = [new Class(), new Class()];
      const outcomes = await Promise.allSettled([
        a.run(async () => {
          await turn();
          return await b.run(() => 'first');
        }),
        b.run(async () => {
          await turn();
          return await a.run(() => 'second');
        }),
      ]);
      const [first, second] = outcomes;
      assert.deepEqual(first, { status: 'fulfilled', value: 'first' });
      assert.ok(second?.status === 'rejected' && second.reason instanceof DeadlockError);
      assert.deepEqual(
        second.reason.cycle.map(({ pid, threadId }) => [pid, threadId]),
        [
          [process.pid, 0],
          [process.pid, 0],
        ],
      );
      a.close();
      b.close();
    });
  }

  it('is reported immediately where the thread would block for a lock of one of its own flows', async () => {
    const lock = new RLock();
    const leave = deferred();
    const running = lock.run(() => leave.promise);
    await until(() => lock.locked, 'the run to hold the lock');
    assert.throws(() => lock.acquireSync(), DeadlockError);
    leave.resolve();
    await running;
    lock.acquireSync().release();
    lock.close();
  });

  it('is not certain where the scope awaits two things at once, or a flow outside any run holds the lock', async () => {
    const [a, b, c] = [new Lock(), new Lock(), new Lock()];
    const controller = new AbortController();
    const inB = await b.acquire();
    const inC = await c.acquire();
    const race = a.run(async () => {
      const waits = [b.acquire(), c.acquire({ signal: controller.signal })].map((wait) =>
        wait.then((hold) => hold.release()),
      );
      waits[1]?.catch(() => {});
      return await Promise.race(waits);
    });
    await untilWaiting(b, 1);
    await untilWaiting(c, 1);
    // This flow holds b and c, and wants a: yet it could still let go of either, and so it does.
    const gotA = a.acquire();
    await untilWaiting(a, 1);
    inB.release();
    await race;
    controller.abort();
    (await gotA).release();
    inC.release();
    for (const lock of [a, b, c]) lock.close();
  });

  it('leaves no trace: a lock taken again later, in another scope, is not part of it', async () => {
    const [a, b] = [new Lock(), new Lock()];
    for (let round = 0; round < 100; round++) {
      await a.run(async () => {
        const hold = await b.acquire();
        const waits = b.acquire({ timeout: 1, deadlock: 'ignore' });
        hold.release();
        (await waits)?.release();
      });
      await b.run(() => a.run(() => {}));
    }
    a.close();
    b.close();
  });

  it('may close when a condition takes its lock back: the wait rejects without it', async () => {
    const outer = new Lock();
    const condition = new Condition(new Lock());
    const waits = outer.run(() => condition.run(() => condition.wait()));
    await untilWaiting(condition, 1);
    const notifies = condition.run(async () => {
      condition.notify();
      await turn();
      await turn();
      return await outer.run(() => 'told');
    });
    const outcomes = await Promise.allSettled([waits, notifies]);
    const told = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(told.length, 1);
    assert.equal(condition.locked, false);
    condition.close();
    outer.close();
  });
});

for (const Worker of [Process, Thread]) {
  describe(`the target of a ${Worker.name}`, { timeout: HANG_MS }, () => {
    it('gets a DeadlockError when it is one flow that only awaits', async () => {
      const [a, b, met] = [new Lock(), new Lock(), new Barrier(2)];
      const workers = [
        new Worker({ target: takesBoth, args: [a, b, met] }),
        new Worker({ target: takesBoth, args: [b, a, met] }),
      ];
      for (const worker of workers) worker.start();
      const results = await Promise.all(workers.map((worker) => worker.result));
      assert.deepEqual(results.sort(), ['ERR_LOCKSTEP_DEADLOCK', 'both']);
      for (const object of [a, b, met]) object.close();
    });

    it('is not told when another flow of it is about to let go', async () => {
      const [a, b, met] = [new Lock(), new Lock(), new Barrier(2)];
      const workers = [
        new Worker({ target: takesBothAndLetsGo, args: [a, b, met] }),
        new Worker({ target: takesBoth, args: [b, a, met] }),
      ];
      for (const worker of workers) worker.start();
      const results = await Promise.all(workers.map((worker) => worker.result));
      assert.deepEqual(results, ['both', 'both']);
      for (const object of [a, b, met]) object.close();
    });
  });
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
