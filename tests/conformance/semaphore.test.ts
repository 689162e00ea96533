/**
 * The contract of Semaphore.
 *
 * Left out of C and G, with the reason:
 *   G90, first half (blocking=false together with a timeout raises): `tryAcquire` takes no timeout.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { suite } from '../support/stage.ts';
import { until } from '../support/until.ts';
import { permitCases } from './permits.ts';

suite('Semaphore', (stage) => {
  permitCases(stage, 'semaphore');

  stage.it('C24: of two permits a third acquire gets none', async () => {
    const semaphore = await stage.make.semaphore(2);
    const [one, other] = await stage.actors(2);
    assert.deepEqual(await one.do('acquire', semaphore), { recovered: false });
    assert.deepEqual(await other.do('acquire', semaphore), { recovered: false });
    assert.equal(await one.do('tryAcquire', semaphore), null);
    assert.equal(await other.do('tryAcquire', semaphore), null);
    await one.do('release', semaphore);
    assert.deepEqual(await other.do('tryAcquire', semaphore), { recovered: false });
  });

  stage.it('C25: without a value there is one permit; with 0 there is none until a release', async () => {
    const [actor] = await stage.actors(1);
    const one = await stage.make.semaphore();
    assert.equal((await stage.look(one)).value, 1);
    assert.notEqual(await actor.do('tryAcquire', one), null);
    assert.equal(await actor.do('tryAcquire', one), null);
    const none = await stage.make.semaphore(0);
    assert.equal(await actor.do('tryAcquire', none), null);
    await none.release();
    assert.notEqual(await actor.do('tryAcquire', none), null);
  });

  stage.it('C27: value counts the permits that are free', async () => {
    const semaphore = await stage.make.semaphore(2);
    const [actor] = await stage.actors(1);
    const seen = [(await stage.look(semaphore)).value];
    for (const operation of ['acquire', 'acquire', 'release', 'release', 'release'] as const) {
      await actor.do(operation, semaphore);
      seen.push((await stage.look(semaphore)).value);
    }
    assert.deepEqual(seen, [2, 1, 0, 1, 2, 3]);
  });

  stage.it('C28: a negative or fractional initial value is a RangeError', async () => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(stage.make.semaphore(value), (error: Error & { code?: unknown }) => {
        assert.ok(error instanceof RangeError, `${value}: ${error}`);
        return error.code === 'ERR_LOCKSTEP_OUT_OF_RANGE';
      });
    }
  });

  stage.it(
    'C33: with value 7 and ten contenders exactly 7 pass, and releasing 7 lets exactly 7 more',
    async () => {
      const semaphore = await stage.make.semaphore(7);
      const actors = await stage.actors(10);
      let passed = 0;
      const count = (): number => passed++;
      const all = actors.flatMap((actor) => [
        actor.do('acquire', semaphore).then(count),
        actor.do('acquire', semaphore).then(count),
      ]);
      await until(() => passed === 7, 'seven to pass');
      assert.equal((await stage.look(semaphore)).value, 0);
      for (let i = 0; i < 7; i++) await semaphore.release();
      await until(() => passed === 14, 'seven more to pass');
      assert.equal((await stage.look(semaphore)).value, 0);
      for (let i = 0; i < 6; i++) await semaphore.release();
      await Promise.all(all);
      assert.equal(passed, 20);
      assert.equal((await stage.look(semaphore)).value, 0);
    },
  );

  stage.it('C34: release(n) adds n and lets n waiters through', async () => {
    const semaphore = await stage.make.semaphore(0);
    const actors = await stage.actors(3);
    let passed = 0;
    const all = actors.map((actor) => actor.do('acquire', semaphore).then(() => passed++));
    await stage.untilWaiting(semaphore, 3);
    await semaphore.release(2);
    await until(() => passed === 2, 'two to pass');
    await stage.untilWaiting(semaphore, 1);
    assert.equal((await stage.look(semaphore)).value, 0);
    await semaphore.release(3);
    await Promise.all(all);
    assert.equal((await stage.look(semaphore)).value, 2);
  });

  stage.it('C34: release of less than one is a RangeError and changes nothing', async () => {
    const semaphore = await stage.make.semaphore(1);
    const [actor] = await stage.actors(1);
    for (const count of [0, -1, 0.5, Number.NaN]) {
      await assert.rejects(actor.do('release', semaphore, count), {
        name: 'RangeError',
        code: 'ERR_LOCKSTEP_OUT_OF_RANGE',
      });
    }
    assert.equal((await stage.look(semaphore)).value, 1);
  });

  stage.it(
    'C37: a killed holder gives nothing back, as a plain semaphore has no owner; others may',
    async () => {
      const semaphore = await stage.make.semaphore(1);
      const [holder, next] = await stage.actors(2);
      await holder.do('acquire', semaphore);
      await holder.kill();
      assert.equal(await next.do('acquire', semaphore, { timeout: 300 }), null);
      assert.equal((await stage.look(semaphore)).value, 0);
      await semaphore.release();
      assert.notEqual(await next.do('acquire', semaphore), null);
    },
  );

  stage.it('a permit released by one that never acquired counts, as for a signal between two', async () => {
    const semaphore = await stage.make.semaphore(0);
    const [consumer, producer] = await stage.actors(2);
    for (let i = 0; i < 20; i++) {
      const got = consumer.do('acquire', semaphore);
      await producer.do('release', semaphore);
      assert.notEqual(await got, null);
    }
    assert.equal((await stage.look(semaphore)).value, 0);
  });
});
