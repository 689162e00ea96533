/** The contract of BoundedSemaphore. Of C nothing that concerns it is left out. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { BoundedSemaphore, Value } from 'lockstep';
import { suite } from '../support/stage.ts';
import { until, untilWaiting } from '../support/until.ts';
import { permitCases } from './permits.ts';

const OVER_RELEASE = { name: 'OverReleaseError', code: 'ERR_LOCKSTEP_OVER_RELEASE' };

suite('BoundedSemaphore', (stage) => {
  permitCases(stage, (permits) => new BoundedSemaphore(permits));

  stage.it('C24: of two permits a third acquire gets none', async () => {
    const semaphore = stage.share(new BoundedSemaphore(2));
    const [one, other] = await stage.actors(2);
    assert.deepEqual(await one.do('acquire', semaphore), { recovered: false });
    assert.deepEqual(await other.do('acquire', semaphore), { recovered: false });
    assert.equal(await one.do('tryAcquire', semaphore), null);
    assert.equal(await other.do('acquire', semaphore, { timeout: 0 }), null);
  });

  stage.it('C25: without a value there is one permit', async () => {
    const semaphore = stage.share(new BoundedSemaphore());
    const [actor] = await stage.actors(1);
    assert.notEqual(await actor.do('tryAcquire', semaphore), null);
    assert.equal(await actor.do('tryAcquire', semaphore), null);
  });

  stage.it('C27: value counts the permits that are free', async () => {
    const semaphore = stage.share(new BoundedSemaphore(2));
    const [actor] = await stage.actors(1);
    const seen = [semaphore.value];
    for (const operation of ['acquire', 'acquire', 'release', 'release'] as const) {
      await actor.do(operation, semaphore);
      seen.push(semaphore.value);
    }
    assert.deepEqual(seen, [2, 1, 0, 1, 2]);
  });

  stage.it('C28: a negative or fractional initial value is a RangeError', async () => {
    for (const value of [-1, 1.5, Number.NaN]) {
      assert.throws(
        () => new BoundedSemaphore(value),
        (error) => error instanceof RangeError,
      );
    }
  });

  stage.it('C30: acquire, release, release: the last one throws and changes nothing', async () => {
    const semaphore = stage.share(new BoundedSemaphore(1));
    const [actor] = await stage.actors(1);
    await actor.do('acquire', semaphore);
    await actor.do('release', semaphore);
    await assert.rejects(actor.do('release', semaphore), OVER_RELEASE);
    assert.equal(semaphore.value, 1);
    assert.notEqual(await actor.do('tryAcquire', semaphore), null);
    assert.equal(await actor.do('tryAcquire', semaphore), null);
  });

  stage.it('C31: with 0 permits the first release throws, and acquire waits in vain', async () => {
    const semaphore = stage.share(new BoundedSemaphore(0));
    const [actor] = await stage.actors(1);
    await assert.rejects(actor.do('release', semaphore), OVER_RELEASE);
    assert.equal(await actor.do('acquire', semaphore, { timeout: 20 }), null);
  });

  stage.it(
    'C33: with value 7 and ten contenders exactly 7 pass, and each release lets one more',
    async () => {
      const semaphore = stage.share(new BoundedSemaphore(7));
      const actors = await stage.actors(10);
      const inside: (typeof actors)[number][] = [];
      const all = actors.map(async (actor) => {
        await actor.do('acquire', semaphore);
        inside.push(actor);
      });
      await until(() => inside.length === 7, 'seven to pass');
      assert.equal(semaphore.value, 0);
      await untilWaiting(semaphore, 3);
      for (let i = 0; i < 3; i++) {
        await inside[i]?.do('release', semaphore);
        await until(() => inside.length === 8 + i, 'one more to pass');
        assert.equal(semaphore.value, 0);
      }
      await Promise.all(all);
    },
  );

  stage.it('C34: release(n) gives n back; above the initial value it throws and gives none', async () => {
    const semaphore = stage.share(new BoundedSemaphore(3));
    const [actor] = await stage.actors(1);
    for (let i = 0; i < 3; i++) await actor.do('acquire', semaphore);
    await actor.do('release', semaphore, 2);
    assert.equal(semaphore.value, 2);
    await assert.rejects(actor.do('release', semaphore, 2), OVER_RELEASE);
    assert.equal(semaphore.value, 2);
    await assert.rejects(actor.do('release', semaphore, 0), { name: 'RangeError' });
    await actor.do('release', semaphore);
    assert.equal(semaphore.value, 3);
  });

  stage.it('C37 HAZARD: the permits of a killed holder come back, exactly as many as it held', async () => {
    const semaphore = stage.share(new BoundedSemaphore(4));
    const [doomed, holder, ...waiters] = await stage.actors(5);
    await doomed.do('acquire', semaphore);
    await doomed.do('acquire', semaphore);
    await doomed.do('acquire', semaphore);
    await doomed.do('release', semaphore);
    await holder.do('acquire', semaphore);
    await holder.do('acquire', semaphore);
    let passed = 0;
    const all = waiters.map((waiter) => waiter.do('acquire', semaphore).then(() => passed++));
    await untilWaiting(semaphore, 3);
    await doomed.kill();
    await until(() => passed === 2, 'the two permits to come back');
    assert.equal(semaphore.value, 0);
    assert.equal(await holder.do('tryAcquire', semaphore), null);
    await holder.do('release', semaphore);
    await Promise.all(all);
    assert.equal(semaphore.value, 0);
  });

  stage.it('C37 HAZARD: the permits of a holder that ended without releasing come back', async () => {
    const semaphore = stage.share(new BoundedSemaphore(2));
    const [holder, next] = await stage.actors(2);
    await holder.do('acquire', semaphore);
    await holder.do('acquire', semaphore);
    await holder.leave();
    assert.notEqual(await next.do('acquire', semaphore, { timeout: 10_000 }), null);
    assert.notEqual(await next.do('acquire', semaphore, { timeout: 10_000 }), null);
    assert.equal(await next.do('tryAcquire', semaphore), null);
  });

  stage.it('CX2 HAZARD: of two releases that race for the last place exactly one is refused', async () => {
    const actors = await stage.actors(2);
    for (let round = 0; round < 30; round++) {
      const semaphore = stage.share(new BoundedSemaphore(2));
      const gate = stage.share(new Value('i32', 0));
      semaphore.acquireSync();
      const racing = actors.map((actor) => actor.do('overRelease', semaphore, gate, 1));
      gate.value = 1;
      const refused = await Promise.all(racing);
      assert.deepEqual(refused.sort(), [0, 1]);
      assert.equal(semaphore.value, 2);
    }
  });
});
