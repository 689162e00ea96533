/** The common cases of Semaphore and BoundedSemaphore. */

import assert from 'node:assert/strict';
import { Value } from 'lockstep';
import type { Stage } from '../support/stage.ts';

/** Defines the cases for semaphores of the kind. */
export function permitCases(stage: Stage, kind: 'semaphore' | 'boundedSemaphore'): void {
  stage.it(
    'C36: nested scoped use takes two permits, and gives both back when the inner block throws',
    async () => {
      const semaphore = await stage.make[kind](2);
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('nestedScopes', semaphore), 0);
      assert.equal((await stage.look(semaphore)).value, 2);
    },
  );

  for (const form of ['using', 'run'] as const) {
    stage.it(`the scoped form (${form}) gives its permit back on return and on error`, async () => {
      const semaphore = await stage.make[kind](1);
      const inside = stage.share(new Value('i32', 0));
      const [actor] = await stage.actors(1);
      assert.equal(await actor.do('scoped', semaphore, form, inside, 'returns'), 'returned from inside');
      assert.equal((await stage.look(semaphore)).value, 1);
      await assert.rejects(actor.do('scoped', semaphore, form, inside, 'throws'), {
        message: 'thrown inside',
      });
      assert.equal((await stage.look(semaphore)).value, 1);
    });
  }

  stage.it('C37 HAZARD: a killed waiter takes no permit with it', async () => {
    const semaphore = await stage.make[kind](1);
    const [holder, doomed, next] = await stage.actors(3);
    await holder.do('acquire', semaphore);
    void doomed.do('acquire', semaphore);
    await stage.untilWaiting(semaphore, 1);
    const got = next.do('acquire', semaphore);
    await stage.untilWaiting(semaphore, 2);
    await doomed.kill();
    await holder.do('release', semaphore);
    assert.notEqual(await got, null);
    assert.equal((await stage.look(semaphore)).value, 0);
  });

  stage.it('a wake-up for a call that is aborted before it ran goes to the next', async () => {
    const semaphore = await stage.make[kind](1);
    const hold = await semaphore.acquire();
    const controller = new AbortController();
    const reason = new Error('no more');
    const [next] = await stage.actors(1);
    const aborted = assert.rejects(semaphore.acquire({ signal: controller.signal }), reason);
    await stage.untilWaiting(semaphore, 1);
    const got = next.do('acquire', semaphore);
    await stage.untilWaiting(semaphore, 2);
    const released = hold.release();
    controller.abort(reason);
    await Promise.all([released, aborted]);
    assert.deepEqual(await got, { recovered: false });
  });

  stage.it('a timeout gives null once the time has passed, and takes no permit', async () => {
    const semaphore = await stage.make[kind](1);
    const [actor] = await stage.actors(1);
    const hold = await semaphore.acquire();
    const { value, milliseconds } = await actor.timed('acquire', semaphore, { timeout: 60 });
    assert.equal(value, null);
    assert.ok(milliseconds >= 60, `gave up after ${milliseconds} ms`);
    await hold.release();
    assert.equal((await stage.look(semaphore)).value, 1);
  });

  stage.it('G90: a timeout of 0 or less polls', async () => {
    const semaphore = await stage.make[kind](1);
    const [actor] = await stage.actors(1);
    for (const timeout of [0, -1]) {
      assert.notEqual(await actor.do('acquire', semaphore, { timeout }), null);
      assert.equal(await actor.do('acquire', semaphore, { timeout }), null);
      await actor.do('release', semaphore);
    }
  });
}
