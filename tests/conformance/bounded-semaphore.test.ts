/** The contract of BoundedSemaphore. Of C nothing that concerns it is left out. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { Value } from 'lockstep';
import { suite } from '../support/stage.ts';
import { PATIENCE_MS, until } from '../support/until.ts';
import { permitCases } from './permits.ts';

const OVER_RELEASE = { name: 'OverReleaseError', code: 'ERR_LOCKSTEP_OVER_RELEASE' };

suite('BoundedSemaphore', (stage) => {
  permitCases(stage, 'boundedSemaphore');

  stage.it('C24: of two permits a third acquire gets none', async () => {
    const semaphore = await stage.make.boundedSemaphore(2);
    const [one, other] = await stage.actors(2);
    assert.deepEqual(await one.do('acquire', semaphore), { recovered: false });
    assert.deepEqual(await other.do('acquire', semaphore), { recovered: false });
    assert.equal(await one.do('tryAcquire', semaphore), null);
    assert.equal(await other.do('acquire', semaphore, { timeout: 0 }), null);
  });

  stage.it('C25: without a value there is one permit', async () => {
    const semaphore = await stage.make.boundedSemaphore();
    const [actor] = await stage.actors(1);
    assert.notEqual(await actor.do('tryAcquire', semaphore), null);
    assert.equal(await actor.do('tryAcquire', semaphore), null);
  });

  stage.it('C27: value counts the permits that are free', async () => {
    const semaphore = await stage.make.boundedSemaphore(2);
    const [actor] = await stage.actors(1);
    const seen = [(await stage.look(semaphore)).value];
    for (const operation of ['acquire', 'acquire', 'release', 'release'] as const) {
      await actor.do(operation, semaphore);
      seen.push((await stage.look(semaphore)).value);
    }
    assert.deepEqual(seen, [2, 1, 0, 1, 2]);
  });

  stage.it('C28: a negative or fractional initial value is a RangeError', async () => {
    for (const value of [-1, 1.5, Number.NaN]) {
      await assert.rejects(stage.make.boundedSemaphore(value), (error) => error instanceof RangeError);
    }
  });

  stage.it('C30: acquire, release, release: the last one throws and changes nothing', async () => {
    const semaphore = await stage.make.boundedSemaphore(1);
    const [actor] = await stage.actors(1);
    await actor.do('acquire', semaphore);
    await actor.do('release', semaphore);
    await assert.rejects(actor.do('release', semaphore), OVER_RELEASE);
    assert.equal((await stage.look(semaphore)).value, 1);
    assert.notEqual(await actor.do('tryAcquire', semaphore), null);
    assert.equal(await actor.do('tryAcquire', semaphore), null);
  });

  stage.it('C31: with 0 permits the first release throws, and acquire waits in vain', async () => {
    const semaphore = await stage.make.boundedSemaphore(0);
    const [actor] = await stage.actors(1);
    await assert.rejects(actor.do('release', semaphore), OVER_RELEASE);
    assert.equal(await actor.do('acquire', semaphore, { timeout: 20 }), null);
  });

  stage.it(
    'C33: with value 7 and ten contenders exactly 7 pass, and each release lets one more',
    async () => {
      const semaphore = await stage.make.boundedSemaphore(7);
      const actors = await stage.actors(10);
      const inside: (typeof actors)[number][] = [];
      const all = actors.map(async (actor) => {
        await actor.do('acquire', semaphore);
        inside.push(actor);
      });
      await until(() => inside.length === 7, 'seven to pass');
      assert.equal((await stage.look(semaphore)).value, 0);
      await stage.untilWaiting(semaphore, 3);
      for (let i = 0; i < 3; i++) {
        await inside[i]?.do('release', semaphore);
        await until(() => inside.length === 8 + i, 'one more to pass');
        assert.equal((await stage.look(semaphore)).value, 0);
      }
      await Promise.all(all);
    },
  );

  stage.it('C34: release(n) gives n back; above the initial value it throws and gives none', async () => {
    const semaphore = await stage.make.boundedSemaphore(3);
    const [actor] = await stage.actors(1);
    for (let i = 0; i < 3; i++) await actor.do('acquire', semaphore);
    await actor.do('release', semaphore, 2);
    assert.equal((await stage.look(semaphore)).value, 2);
    await assert.rejects(actor.do('release', semaphore, 2), OVER_RELEASE);
    assert.equal((await stage.look(semaphore)).value, 2);
    await assert.rejects(actor.do('release', semaphore, 0), { name: 'RangeError' });
    await actor.do('release', semaphore);
    assert.equal((await stage.look(semaphore)).value, 3);
  });

  stage.it('C37 HAZARD: the permits of a killed holder come back, exactly as many as it held', async () => {
    const semaphore = await stage.make.boundedSemaphore(4);
    const [doomed, holder, ...waiters] = await stage.actors(5);
    await doomed.do('acquire', semaphore);
    await doomed.do('acquire', semaphore);
    await doomed.do('acquire', semaphore);
    await doomed.do('release', semaphore);
    await holder.do('acquire', semaphore);
    await holder.do('acquire', semaphore);
    let passed = 0;
    const all = waiters.map((waiter) => waiter.do('acquire', semaphore).then(() => passed++));
    await stage.untilWaiting(semaphore, 3);
    await doomed.kill();
    await until(() => passed === 2, 'the two permits to come back');
    assert.equal((await stage.look(semaphore)).value, 0);
    assert.equal(await holder.do('tryAcquire', semaphore), null);
    await holder.do('release', semaphore);
    await Promise.all(all);
    assert.equal((await stage.look(semaphore)).value, 0);
  });

  stage.it('C37 HAZARD: the permits of a holder that ended without releasing come back', async () => {
    const semaphore = await stage.make.boundedSemaphore(2);
    const [holder, next] = await stage.actors(2);
    await holder.do('acquire', semaphore);
    await holder.do('acquire', semaphore);
    await holder.leave();
    assert.notEqual(await next.do('acquire', semaphore, { timeout: PATIENCE_MS }), null);
    assert.notEqual(await next.do('acquire', semaphore, { timeout: PATIENCE_MS }), null);
    assert.equal(await next.do('tryAcquire', semaphore), null);
  });

  stage.it('CX2 HAZARD: of two releases that race for the last place exactly one is refused', async () => {
    const actors = await stage.actors(2);
    for (let round = 0; round < 30; round++) {
      const semaphore = await stage.make.boundedSemaphore(2);
      const gate = stage.share(new Value('i32', 0));
      await semaphore.acquire();
      const racing = actors.map((actor) => actor.do('overRelease', semaphore, gate, 1));
      gate.value = 1;
      const refused = await Promise.all(racing);
      assert.deepEqual(refused.sort(), [0, 1]);
      assert.equal((await stage.look(semaphore)).value, 2);
    }
  });
});
