/**
 * The contract of Condition. Of D nothing is left out but single flavours, each marked where it
 * stands:
 *   49 needs an interruption. A blocked JavaScript thread has none (no signal handler runs in it),
 *   an await has abort. 57 and X8 in the forms that stop a waiter in its tracks need a process, as
 *   threads can't be stopped.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AsyncCondition, Value } from 'lockstep';
import type { Actor } from '../support/stage.ts';
import { suite } from '../support/stage.ts';
import { until } from '../support/until.ts';

suite('Condition', (stage) => {
  /** Lets each actor wait, in this order; counts those that came back. */
  async function allWait(
    condition: AsyncCondition,
    actors: Actor[],
  ): Promise<{ back: Actor[]; all: Promise<unknown> }> {
    const back: Actor[] = [];
    const waits: Promise<unknown>[] = [];
    for (const actor of actors) {
      const wait = actor.do('acquireAndWait', condition).then((outcome) => {
        assert.deepEqual(outcome, { woken: true, held: true, rank: -1 });
        back.push(actor);
      });
      wait.catch(() => {});
      waits.push(wait);
      await stage.untilWaiting(condition, waits.length);
    }
    return { back, all: Promise.all(waits) };
  }

  stage.it('D39: a condition over a given lock uses that very lock', async () => {
    const lock = await stage.make.lock();
    const condition = await stage.make.condition(lock);
    const [actor] = await stage.actors(1);
    await actor.do('acquire', condition);
    assert.equal(await lock.tryAcquire(), null);
    assert.deepEqual((await stage.look(lock)).owner, actor.identity);
    await actor.do('release', lock);
    assert.equal((await stage.look(lock)).locked, false);
    const without = await stage.make.condition();
    for (let depth = 0; depth < 2; depth++) await actor.do('acquire', without);
    for (let depth = 0; depth < 2; depth++) await actor.do('release', without);
    await assert.rejects(actor.do('release', without), { code: 'ERR_LOCKSTEP_NOT_LOCKED' });
  });

  stage.it('D40: waiting or notifying without holding the lock throws NotOwnerError', async () => {
    const [actor, other] = await stage.actors(2);
    const refusal = { name: 'NotOwnerError', code: 'ERR_LOCKSTEP_NOT_OWNER' };
    for (const lock of [await stage.make.rlock(), await stage.make.lock()]) {
      const condition = await stage.make.condition(lock);
      await assert.rejects(actor.do('wait', condition), refusal);
      await assert.rejects(actor.do('wait', condition, { timeout: 0 }), refusal);
      await assert.rejects(actor.do('notify', condition), refusal);
      await other.do('acquire', lock);
      await assert.rejects(actor.do('wait', condition), refusal);
      await assert.rejects(actor.do('notify', condition), refusal);
      assert.deepEqual((await stage.look(lock)).owner, other.identity);
      await other.do('release', lock);
    }
  });

  stage.it('D42: a notify that meets no waiter is not remembered', async () => {
    const condition = await stage.make.condition();
    const [actor, other] = await stage.actors(2);
    await other.do('acquireAndNotify', condition, 1);
    await other.do('acquireAndNotify', condition, 'all');
    const { value, milliseconds } = await actor.timed('acquireAndWait', condition, { timeout: 50 });
    assert.equal(value.woken, false);
    assert.ok(milliseconds >= 50);
  });

  stage.it(
    'D43: of six waiters notify(2) wakes exactly 2, notify(4) the rest, and notify(3) then nobody',
    async () => {
      const condition = await stage.make.condition();
      const actors = await stage.actors(6);
      const { back, all } = await allWait(condition, actors);
      await condition.run(() => condition.notify(2));
      await until(() => back.length === 2, 'two to be woken');
      await stage.untilWaiting(condition, 4);
      await condition.run(() => condition.notify(4));
      await all;
      assert.equal(back.length, 6);
      await condition.run(() => condition.notify(3));
      const late = await actors[0].do('acquireAndWait', condition, { timeout: 30 });
      assert.equal(late.woken, false);
    },
  );

  stage.it('notify wakes those who have waited longest', async () => {
    const condition = await stage.make.condition();
    const actors = await stage.actors(6);
    const { back, all } = await allWait(condition, actors);
    for (let n = 1; n <= 6; n++) {
      await condition.run(() => condition.notify());
      await until(() => back.length === n, `${n} to be back`);
      assert.deepEqual(back, actors.slice(0, n));
    }
    await all;
  });

  stage.it('DX7: notifyAll wakes all who wait, of whatever kind', async () => {
    const condition = await stage.make.condition();
    const actors = await stage.actors(6);
    const { back, all } = await allWait(condition, actors);
    await condition.run(() => condition.notifyAll());
    await all;
    assert.equal(back.length, 6);
    assert.equal((await stage.look(condition)).locked, false);
  });

  stage.it('D45: a woken waiter does not return before the notifier has released the lock', async () => {
    const condition = await stage.make.condition();
    const order = stage.share(new Value('i32', 0));
    const [waiter] = await stage.actors(1);
    const outcome = waiter.do('acquireAndWait', condition, {}, order);
    await stage.untilWaiting(condition, 1);
    const hold = await condition.acquire();
    await condition.notify();
    await sleep(30);
    assert.equal(order.add(1), 0);
    await hold.release();
    assert.deepEqual(await outcome, { woken: true, held: true, rank: 1 });
  });

  stage.it('D46: wait gives true when notified', async () => {
    const condition = await stage.make.condition();
    const [waiter, notifier] = await stage.actors(2);
    const outcome = waiter.do('acquireAndWait', condition, { timeout: 60_000 });
    await stage.untilWaiting(condition, 1);
    await notifier.do('acquireAndNotify', condition, 1);
    assert.deepEqual(await outcome, { woken: true, held: true, rank: -1 });
  });

  stage.it(
    'D46: wait gives false when the time has passed, at once for 0 or less, with the lock held',
    async () => {
      const condition = await stage.make.condition();
      const [waiter] = await stage.actors(1);
      const { value, milliseconds } = await waiter.timed('acquireAndWait', condition, { timeout: 60 });
      assert.deepEqual(value, { woken: false, held: true, rank: -1 });
      assert.ok(milliseconds >= 60);
      for (const timeout of [0, -1]) {
        const outcome = await waiter.do('acquireAndWait', condition, { timeout });
        assert.deepEqual(outcome, { woken: false, held: true, rank: -1 });
      }
      await stage.untilWaiting(condition, 0);
    },
  );

  stage.it('D48: the timeout does not bound the taking again of the lock', async () => {
    const condition = await stage.make.condition();
    const [waiter] = await stage.actors(1);
    // As long as it takes until the lock is taken before the waiter has come back.
    for (let timeout = 40, isLate = true; isLate; timeout *= 2) {
      const outcome = waiter.timed('acquireAndWait', condition, { timeout });
      const isBack = (): boolean => waiter.pending.length === 0;
      await stage.until(condition, ({ waiting }) => waiting === 1 || isBack(), 'it to wait');
      const hold = await condition.acquire();
      isLate = isBack();
      const taken = performance.now();
      await sleep(isLate ? 0 : timeout + 110);
      const held = performance.now() - taken;
      await hold.release();
      const { value, milliseconds } = await outcome;
      assert.deepEqual(value, { woken: false, held: true, rank: -1 });
      assert.ok(
        isLate || milliseconds >= held,
        `back after ${milliseconds} ms, the lock was held for ${held} ms`,
      );
    }
  });

  const interrupted = 'D49: a wait that is aborted takes the lock again before it rejects';
  if (stage.all('awaiting')) {
    stage.it(interrupted, async () => {
      const condition = await stage.make.condition();
      const go = stage.share(new Value('i32', 0));
      const [waiter, thief] = await stage.actors(2);
      const outcome = waiter.do('acquireAndWaitUntilAborted', condition, go);
      await stage.untilWaiting(condition, 1);
      await thief.do('acquire', condition);
      go.value = 1;
      await stage.untilWaiting(condition, 0);
      assert.deepEqual(waiter.pending, ['acquireAndWaitUntilAborted']);
      await thief.do('release', condition);
      assert.deepEqual(await outcome, { message: 'aborted by the test', held: true });
      assert.equal((await stage.look(condition)).locked, false);
    });
  } else {
    stage.omit(interrupted, 'nothing interrupts a blocked thread');
  }

  stage.it('D51: waitFor goes on waiting while its predicate is false', async () => {
    const condition = await stage.make.condition();
    const state = stage.share(new Value('i32', 0));
    const looks = stage.share(new Value('i32', 0));
    const [waiter, notifier] = await stage.actors(2);
    const outcome = waiter.do('acquireAndWaitFor', condition, state, 4, looks);
    for (let step = 1; step <= 4; step++) {
      await until(() => looks.value === step, `look ${step} at the state`);
      await stage.untilWaiting(condition, 1);
      state.value = step;
      await notifier.do('acquireAndNotify', condition, 1);
    }
    assert.deepEqual(await outcome, { result: true, held: true });
    assert.equal(looks.value, 5);
  });

  stage.it('D52: each renewed wait of waitFor uses the time that is left', async () => {
    const condition = await stage.make.condition();
    const state = stage.share(new Value('i32', 0));
    const looks = stage.share(new Value('i32', 0));
    const [waiter] = await stage.actors(1);
    // As long as it takes until some notifications arrive meanwhile.
    for (let timeout = 150; looks.value <= 2; timeout *= 2) {
      looks.value = 0;
      let over = false;
      const outcome = waiter.timed('acquireAndWaitFor', condition, state, 1, looks, { timeout });
      void outcome.finally(() => {
        over = true;
      });
      while (!over) {
        await condition.run(() => condition.notify());
        await sleep(15);
      }
      const { value, milliseconds } = await outcome;
      assert.deepEqual(value, { result: false, held: true });
      assert.ok(milliseconds >= timeout, `gave up after ${milliseconds} ms`);
    }
  });

  stage.it('D54: waitFor with a timeout of 0 or less looks at its predicate and does not wait', async () => {
    const condition = await stage.make.condition();
    const state = stage.share(new Value('i32', 0));
    const [waiter] = await stage.actors(1);
    for (const timeout of [0, -1]) {
      const looks = stage.share(new Value('i32', 0));
      const outcome = await waiter.do('acquireAndWaitFor', condition, state, 1, looks, { timeout });
      assert.deepEqual(outcome, { result: false, held: true });
      assert.ok(looks.value >= 1);
      const hit = await waiter.do('acquireAndWaitFor', condition, state, 0, looks, { timeout });
      assert.deepEqual(hit, { result: true, held: true });
    }
  });

  stage.it('D55: an error of the predicate comes out of waitFor, with the lock still held', async () => {
    const condition = await stage.make.condition();
    const [waiter] = await stage.actors(1);
    const outcome = await waiter.do('waitForThatThrows', condition);
    assert.deepEqual(outcome, { message: 'thrown by the predicate', held: true });
    assert.equal((await stage.look(condition)).locked, false);
    await stage.untilWaiting(condition, 0);
  });

  for (const reach of [1, 'all'] as const) {
    stage.it(
      `D57 HAZARD: after a waiter was killed notify(${reach}) returns, and reaches a live one`,
      async () => {
        const condition = await stage.make.condition();
        const [doomed, live, notifier] = await stage.actors(3);
        void doomed.do('acquireAndWait', condition);
        await stage.untilWaiting(condition, 1);
        const outcome = live.do('acquireAndWait', condition);
        await stage.untilWaiting(condition, 2);
        await doomed.kill();
        await notifier.do('acquireAndNotify', condition, reach);
        assert.deepEqual(await outcome, { woken: true, held: true, rank: -1 });
      },
    );
  }

  const swallowed = 'D57 HAZARD: a notification given to one that is killed before it ran goes to the next';
  if (stage.all('process')) {
    stage.it(swallowed, async () => {
      const condition = await stage.make.condition();
      const [doomed, live, notifier] = await stage.actors(3);
      void doomed.do('acquireAndWait', condition);
      await stage.untilWaiting(condition, 1);
      const outcome = live.do('acquireAndWait', condition);
      await stage.untilWaiting(condition, 2);
      await doomed.freeze();
      await notifier.do('acquireAndNotify', condition, 1);
      await doomed.kill();
      assert.deepEqual(await outcome, { woken: true, held: true, rank: -1 });
    });
  } else {
    stage.omit(swallowed, 'a thread cannot be stopped in its tracks');
  }

  stage.it('DX3: notify(0) and notify(-1) wake nobody and are no error', async () => {
    const condition = await stage.make.condition();
    const [waiter, notifier] = await stage.actors(2);
    const outcome = waiter.do('acquireAndWait', condition);
    await stage.untilWaiting(condition, 1);
    await notifier.do('acquireAndNotify', condition, 0);
    await notifier.do('acquireAndNotify', condition, -1);
    await stage.untilWaiting(condition, 1);
    assert.deepEqual(waiter.pending, ['acquireAndWait']);
    await notifier.do('acquireAndNotify', condition, 1);
    assert.equal((await outcome).woken, true);
  });

  stage.it('DX5: waitFor needs the lock only when its predicate is false', async () => {
    const condition = await stage.make.condition();
    const [waiter] = await stage.actors(1);
    assert.equal(await waiter.do('waitForWithoutLock', condition, true), true);
    await assert.rejects(waiter.do('waitForWithoutLock', condition, false), {
      code: 'ERR_LOCKSTEP_NOT_OWNER',
    });
  });

  stage.it(
    'DX8 HAZARD: a notify that races with a timeout is never spent on the one that timed out',
    async () => {
      const [hasty, patient] = await stage.actors(2);
      const timeout = 6;
      for (let round = 0; round < 40; round++) {
        const condition = await stage.make.condition();
        const first = hasty.do('acquireAndWait', condition, { timeout });
        await stage.until(
          condition,
          ({ waiting }) => waiting === 1 || hasty.pending.length === 0,
          'the hasty one to wait',
        );
        const due = performance.now() + timeout;
        const second = patient.do('acquireAndWait', condition);
        await stage.until(
          condition,
          ({ waiting }) => waiting === 1 + hasty.pending.length,
          'the patient one to wait',
        );
        const jitter = (round % 9) / 2 - 3;
        while (performance.now() < due + jitter);
        await condition.run(() => condition.notify());
        if ((await first).woken) {
          assert.deepEqual(patient.pending, ['acquireAndWait']);
          await condition.run(() => condition.notify());
        }
        assert.equal((await second).woken, true);
      }
    },
  );

  stage.it(
    'DX8 HAZARD: a notification given to a call that is aborted before it ran goes to the next',
    async () => {
      const condition = await stage.make.condition();
      const controller = new AbortController();
      const reason = new Error('no more');
      const [next] = await stage.actors(1);
      const aborted = assert.rejects(
        condition.run(() => condition.wait({ signal: controller.signal })),
        reason,
      );
      await stage.untilWaiting(condition, 1);
      const outcome = next.do('acquireAndWait', condition);
      await stage.untilWaiting(condition, 2);
      await condition.run(async () => {
        const notified = condition.notify();
        controller.abort(reason);
        await notified;
      });
      await aborted;
      assert.deepEqual(await outcome, { woken: true, held: true, rank: -1 });
    },
  );

  for (const guard of ['lock', 'rlock'] as const) {
    const kind = guard === 'lock' ? 'Lock' : 'RLock';
    stage.it(`a waiter that returns sees that a holder of the ${kind} has died`, async () => {
      const condition = await stage.make.condition(await stage.make[guard]());
      const [waiter, doomed, next] = await stage.actors(3);
      assert.deepEqual(await waiter.do('acquire', condition), { recovered: false });
      const woken = waiter.do('wait', condition);
      await stage.untilWaiting(condition, 1);
      await doomed.do('acquire', condition);
      await doomed.do('notify', condition);
      await doomed.kill();
      assert.equal(await woken, true);
      assert.equal(await waiter.do('recovered', condition), true);
      assert.equal((await stage.look(condition)).recovered, false);
      // It stays so through further waits of the same holding, in which nobody dies.
      const again = waiter.do('wait', condition);
      await stage.untilWaiting(condition, 1);
      assert.deepEqual(await next.do('acquire', condition), { recovered: false });
      await next.do('notify', condition);
      await next.do('release', condition);
      assert.equal(await again, true);
      assert.equal(await waiter.do('recovered', condition), true);
      await waiter.do('release', condition);
      assert.equal(await waiter.do('recovered', condition), false);
      await waiter.do('acquire', condition);
      assert.equal(await waiter.do('recovered', condition), false);
      await waiter.do('release', condition);
    });
  }

  stage.it('wait releases an RLock held three deep as a whole, and takes it again as deep', async () => {
    const lock = await stage.make.rlock();
    const condition = await stage.make.condition(lock);
    const [waiter, other] = await stage.actors(2);
    for (let i = 0; i < 3; i++) await waiter.do('acquire', lock);
    const woken = waiter.do('wait', condition);
    await stage.untilWaiting(condition, 1);
    await other.do('acquire', condition);
    await other.do('notify', condition);
    await other.do('release', condition);
    assert.equal(await woken, true);
    assert.equal(await waiter.do('depth', lock), 3);
    for (let i = 0; i < 3; i++) await waiter.do('release', lock);
    assert.equal((await stage.look(lock)).locked, false);
  });

  for (const form of ['using', 'run'] as const) {
    stage.it(`the scoped form (${form}) of a condition is that of its lock`, async () => {
      const condition = await stage.make.condition();
      const inside = stage.share(new Value('i32', 0));
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('scoped', condition, form, inside, 'returns'), 'returned from inside');
      await assert.rejects(actor.do('scoped', condition, form, inside, 'throws'), {
        message: 'thrown inside',
      });
      assert.equal((await stage.look(condition)).locked, false);
      assert.equal(inside.value, 2);
    });
  }
});
