/** The contract of Latch, case by case. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { suite } from '../support/stage.ts';

suite('Latch', (stage) => {
  stage.it(
    'lets everyone through when it has been counted down to 0, also those who come later',
    async () => {
      const latch = await stage.make.latch(3);
      const [one, two, three] = await stage.actors(3);
      const waits = [one, two].map((actor) => actor.do('wait', latch));
      await stage.untilWaiting(latch, 2);
      assert.equal(await three.do('countDown', latch), 2);
      assert.equal(await three.do('countDown', latch), 1);
      assert.equal((await stage.look(latch)).waiting, 2);
      assert.equal(await three.do('countDown', latch), 0);
      assert.deepEqual(await Promise.all(waits), [true, true]);
      assert.equal(await three.do('wait', latch), true);
      assert.equal((await stage.look(latch)).count, 0);
    },
  );

  stage.it('counts several down at once, to 0 at the least; further calls do nothing', async () => {
    const latch = await stage.make.latch(5);
    const [actor] = await stage.actors(1);
    assert.equal(await actor.do('countDown', latch, 2), 3);
    assert.equal(await actor.do('countDown', latch, 9), 0);
    assert.equal(await actor.do('countDown', latch), 0);
    for (const n of [0, -1, 1.5])
      await assert.rejects(actor.do('countDown', latch, n), { name: 'RangeError' });
  });

  stage.it('a wait with a timeout gives false once the time has passed; 0 or less looks once', async () => {
    const latch = await stage.make.latch(1);
    const [actor] = await stage.actors(1);
    const { value, milliseconds } = await actor.timed('wait', latch, { timeout: 60 });
    assert.equal(value, false);
    assert.ok(milliseconds >= 60, `gave up after ${milliseconds} ms`);
    for (const timeout of [0, -1]) assert.equal(await actor.do('wait', latch, { timeout }), false);
    await actor.do('countDown', latch);
    for (const timeout of [0, -1]) assert.equal(await actor.do('wait', latch, { timeout }), true);
  });

  stage.it('of 0 is open; a negative count is refused', async () => {
    const latch = await stage.make.latch(0);
    const [actor] = await stage.actors(1);
    assert.equal(await actor.do('wait', latch), true);
    await assert.rejects(stage.make.latch(-1), { name: 'RangeError' });
    await assert.rejects(stage.make.latch('1' as unknown as number), { name: 'TypeError' });
  });

  stage.it('a waiter that is killed is not missed, and who counted before dying has counted', async () => {
    const latch = await stage.make.latch(2);
    const [doomed, waiter, other] = await stage.actors(3);
    await doomed.do('countDown', latch);
    void doomed.do('wait', latch);
    const waits = waiter.do('wait', latch);
    await stage.untilWaiting(latch, 2);
    await doomed.kill();
    await other.do('countDown', latch);
    assert.equal(await waits, true);
  });
});
