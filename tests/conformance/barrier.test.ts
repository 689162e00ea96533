/**
 * The contract of Barrier. Of F nothing is left out but single flavours, each marked where it
 * stands:
 *   81 and 82 need a party that is released and has not yet run. Only a stopped process is one.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { Value } from 'lockstep';
import { countRound, failingAction, runnerId } from '../support/actions.ts';
import { suite } from '../support/stage.ts';

const BROKEN = { name: 'BrokenBarrierError', code: 'ERR_LOCKSTEP_BROKEN_BARRIER' };

suite('Barrier', (stage) => {
  stage.it(
    'F67: of five nobody passes until the fifth arrives, then all do, each with an index of its own',
    async () => {
      const barrier = await stage.make.barrier(5);
      const actors = await stage.actors(5);
      const [last, ...first] = actors;
      assert.equal((await stage.look(barrier)).parties, 5);
      let passed = 0;
      const waits = first.map((actor) =>
        actor.do('wait', barrier).then((index) => {
          passed++;
          return index;
        }),
      );
      await stage.until(barrier, ({ nWaiting }) => nWaiting === 4, 'four to arrive');
      assert.equal(passed, 0);
      const indexes = await Promise.all([...waits, last.do('wait', barrier)]);
      assert.deepEqual(indexes.sort(), [0, 1, 2, 3, 4]);
      assert.equal((await stage.look(barrier)).nWaiting, 0);
      assert.equal((await stage.look(barrier)).broken, false);
    },
  );

  for (const many of [10, 1000]) {
    stage.it(`F69: ${many === 10 ? 'ten' : 'many'} rounds of five parties stay in step`, async () => {
      const rounds = many === 10 ? many : stage.rounds(many);
      const barrier = await stage.make.barrier(5);
      const actors = await stage.actors(5);
      const arrived = actors.map(() => stage.share(new Value('i32', 0)));
      const outcomes = await Promise.all(
        actors.map((actor, me) => actor.do('rounds', barrier, arrived, me, rounds)),
      );
      assert.deepEqual(
        outcomes.map(({ outOfStep }) => outOfStep),
        [0, 0, 0, 0, 0],
      );
      const sum = outcomes.reduce((total, { indexes }) => total + indexes, 0);
      assert.equal(sum, rounds * (0 + 1 + 2 + 3 + 4));
    });
  }

  stage.it('F70: of one party wait gives 0 at once, again and again, also with a timeout of 0', async () => {
    const [actor] = await stage.actors(1);
    for (const barrier of [await stage.make.barrier(1), await stage.make.barrier(1, { timeout: 0 })]) {
      for (let i = 0; i < 3; i++) assert.equal(await actor.do('wait', barrier), 0);
      assert.equal(await actor.do('wait', barrier, { timeout: 0 }), 0);
    }
  });

  stage.it('F71 HAZARD: less than one party, or half a party, is refused at construction', async () => {
    for (const parties of [0, -1, 1.5, Number.NaN]) {
      await assert.rejects(stage.make.barrier(parties), (error: Error & { code?: unknown }) => {
        assert.ok(error instanceof RangeError, `${parties}: ${error}`);
        return error.code === 'ERR_LOCKSTEP_OUT_OF_RANGE';
      });
    }
  });

  stage.it('F72: the action runs once a round, in the last to arrive, before anyone is let go', async () => {
    const barrier = await stage.make.barrier(3, { action: countRound });
    const counter = stage.share(new Value('i32', 0));
    const runner = stage.share(new Value('i32', 0));
    const actors = await stage.actors(3);
    for (const actor of actors) await actor.do('countRoundsIn', counter, runner);
    for (let round = 1; round <= 6; round++) {
      const last = actors[round % 3] ?? actors[0];
      const first = actors.filter((actor) => actor !== last);
      const waits = first.map((actor) => actor.do('passAndLook', barrier, counter));
      await stage.untilWaiting(barrier, 2);
      assert.equal(counter.value, round - 1);
      const outcomes = await Promise.all([...waits, last.do('passAndLook', barrier, counter)]);
      assert.deepEqual(outcomes.map(({ index }) => index).sort(), [0, 1, 2]);
      assert.deepEqual(
        outcomes.map(({ counted }) => counted),
        [round, round, round],
      );
      assert.equal(runner.value, runnerId(last.pid, last.threadId));
    }
  });

  stage.it(
    'F73: an action that throws breaks the barrier: its error in the runner, broken for the others',
    async () => {
      const barrier = await stage.make.barrier(3, { action: failingAction });
      const [one, two, last] = await stage.actors(3);
      const waits = [one.do('wait', barrier), two.do('wait', barrier)];
      await stage.untilWaiting(barrier, 2);
      await assert.rejects(last.do('wait', barrier), { name: 'RangeError', message: 'thrown by the action' });
      for (const wait of waits) await assert.rejects(wait, BROKEN);
      assert.equal((await stage.look(barrier)).broken, true);
      await assert.rejects(one.do('wait', barrier), BROKEN);
    },
  );

  stage.it(
    'F75: the timeout of the constructor holds for a wait without one, and one of its own goes before',
    async () => {
      const barrier = await stage.make.barrier(2, { timeout: 60 });
      const [actor] = await stage.actors(1);
      const first = performance.now();
      await assert.rejects(actor.do('wait', barrier), BROKEN);
      assert.ok(performance.now() - first >= 60);
      await barrier.reset();
      const second = performance.now();
      await assert.rejects(actor.do('wait', barrier, { timeout: 120 }), BROKEN);
      assert.ok(performance.now() - second >= 120);
    },
  );

  stage.it(
    'F76: a wait with a timeout of 0 or less that is not the last breaks the barrier at once',
    async () => {
      const barrier = await stage.make.barrier(3);
      const [waiter, hasty] = await stage.actors(2);
      for (const timeout of [0, -1]) {
        const wait = waiter.do('wait', barrier);
        await stage.untilWaiting(barrier, 1);
        await assert.rejects(hasty.do('wait', barrier, { timeout }), BROKEN);
        await assert.rejects(wait, BROKEN);
        assert.equal((await stage.look(barrier)).broken, true);
        await barrier.reset();
      }
    },
  );

  stage.it('F76: the last to arrive passes also with a timeout of 0', async () => {
    const barrier = await stage.make.barrier(2);
    const [waiter, last] = await stage.actors(2);
    const wait = waiter.do('wait', barrier);
    await stage.untilWaiting(barrier, 1);
    const index = Number(await last.do('wait', barrier, { timeout: 0 }));
    assert.equal(index + Number(await wait), 1);
  });

  stage.it('a timeout of one party breaks the barrier for all', async () => {
    const barrier = await stage.make.barrier(3);
    const [patient, hasty] = await stage.actors(2);
    const wait = patient.do('wait', barrier);
    await stage.untilWaiting(barrier, 1);
    const start = performance.now();
    await assert.rejects(hasty.do('wait', barrier, { timeout: 50 }), BROKEN);
    assert.ok(performance.now() - start >= 50);
    await assert.rejects(wait, BROKEN);
    assert.equal((await stage.look(barrier)).broken, true);
  });

  stage.it(
    'F78: abort wakes all with BrokenBarrierError, and waits fail until reset; twice is harmless',
    async () => {
      const barrier = await stage.make.barrier(4);
      const [one, two, aborter] = await stage.actors(3);
      const waits = [one.do('wait', barrier), two.do('wait', barrier)];
      await stage.untilWaiting(barrier, 2);
      await aborter.do('abort', barrier);
      for (const wait of waits) await assert.rejects(wait, BROKEN);
      assert.equal((await stage.look(barrier)).broken, true);
      await aborter.do('abort', barrier);
      await assert.rejects(one.do('wait', barrier), BROKEN);
      await assert.rejects(two.do('wait', barrier, { timeout: 0 }), BROKEN);
      assert.equal((await stage.look(barrier)).nWaiting, 0);
      await barrier.reset();
      assert.equal((await stage.look(barrier)).broken, false);
    },
  );

  stage.it('F79: reset breaks the round of those who wait, and the next round is a full one', async () => {
    const barrier = await stage.make.barrier(3);
    const actors = await stage.actors(3);
    const [one, two, resetter] = actors;
    const waits = [one.do('wait', barrier), two.do('wait', barrier)];
    await stage.untilWaiting(barrier, 2);
    await resetter.do('reset', barrier);
    for (const wait of waits) await assert.rejects(wait, BROKEN);
    assert.equal((await stage.look(barrier)).broken, false);
    const indexes = await Promise.all(actors.map((actor) => actor.do('wait', barrier)));
    assert.deepEqual(indexes.sort(), [0, 1, 2]);
  });

  stage.it('reset of a barrier at which nobody waits changes nothing', async () => {
    const barrier = await stage.make.barrier(2);
    const [one, two] = await stage.actors(2);
    await barrier.reset();
    const wait = one.do('wait', barrier);
    assert.equal(Number(await two.do('wait', barrier)) + Number(await wait), 1);
  });

  const draining = 'F81: a reset while a round drains does not disturb those already let go';
  const joining = 'F82: a party that arrives while a round drains joins the next one';
  if (stage.all('process')) {
    stage.it(draining, async () => {
      const barrier = await stage.make.barrier(2);
      const [slow, last] = await stage.actors(2);
      const wait = slow.do('wait', barrier);
      await stage.untilWaiting(barrier, 1);
      await slow.freeze();
      const index = Number(await last.do('wait', barrier));
      await last.do('reset', barrier);
      slow.thaw();
      assert.equal(index + Number(await wait), 1);
      assert.equal((await stage.look(barrier)).broken, false);
    });

    stage.it(joining, async () => {
      const barrier = await stage.make.barrier(2);
      const [slow, last, next] = await stage.actors(3);
      const wait = slow.do('wait', barrier);
      await stage.untilWaiting(barrier, 1);
      await slow.freeze();
      const index = Number(await last.do('wait', barrier));
      const early = next.do('wait', barrier);
      await stage.until(barrier, ({ nWaiting }) => nWaiting === 1, 'the next round to begin');
      slow.thaw();
      assert.equal(index + Number(await wait), 1);
      assert.deepEqual(next.pending, ['wait']);
      assert.equal(Number(await last.do('wait', barrier)) + Number(await early), 1);
    });
  } else {
    stage.omit(draining, 'a thread cannot be stopped in its tracks');
    stage.omit(joining, 'a thread cannot be stopped in its tracks');
  }

  stage.it('F84: after abort and reset all parties pass again', async () => {
    const barrier = await stage.make.barrier(3);
    const actors = await stage.actors(3);
    for (let round = 0; round < 5; round++) {
      const [aborter, ...others] = actors;
      const waits = others.map((actor) => actor.do('wait', barrier));
      await stage.untilWaiting(barrier, 2);
      await aborter.do('abort', barrier);
      for (const wait of waits) await assert.rejects(wait, BROKEN);
      await aborter.do('reset', barrier);
      const indexes = await Promise.all(actors.map((actor) => actor.do('wait', barrier)));
      assert.deepEqual(indexes.sort(), [0, 1, 2]);
    }
  });

  stage.it(
    'F85 HAZARD: a party killed while it waits breaks the round, and the errors of the others name it',
    async () => {
      const barrier = await stage.make.barrier(4);
      const [doomed, one, two] = await stage.actors(3);
      void doomed.do('wait', barrier);
      const waits = [one.do('wait', barrier), two.do('wait', barrier)];
      await stage.untilWaiting(barrier, 3);
      await doomed.kill();
      for (const wait of waits) {
        await assert.rejects(wait, (error: Error) => {
          assert.equal(error.name, 'BrokenBarrierError');
          assert.ok(String(error.cause).includes(doomed.name), `the cause is: ${String(error.cause)}`);
          return true;
        });
      }
      assert.equal((await stage.look(barrier)).broken, true);
      await barrier.reset();
      const actors = await stage.actors(4);
      const indexes = await Promise.all(actors.map((actor) => actor.do('wait', barrier)));
      assert.deepEqual(indexes.sort(), [0, 1, 2, 3]);
    },
  );

  stage.it('F85 HAZARD: one that dies between two rounds does not break the barrier', async () => {
    const barrier = await stage.make.barrier(2);
    const [doomed, one, two] = await stage.actors(3);
    const wait = doomed.do('wait', barrier);
    await one.do('wait', barrier);
    await wait;
    await doomed.kill();
    const next = one.do('wait', barrier);
    assert.equal(Number(await two.do('wait', barrier)) + Number(await next), 1);
  });
});
