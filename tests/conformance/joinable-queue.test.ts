/** The contract of JoinableQueue, case by case. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { suite } from '../support/stage.ts';

suite('JoinableQueue', (stage) => {
  stage.it('N165: join returns at once when nothing is unfinished', async () => {
    const queue = await stage.make.joinableQueue();
    const [actor] = await stage.actors(1);
    assert.equal(await actor.do('join', queue), true);
  });

  stage.beyond('close', 'N165: join of a closed queue returns at once, too', async () => {
    const queue = await stage.make.joinableQueue();
    const [actor] = await stage.actors(1);
    await actor.do('closeQueue', queue);
    assert.equal(await actor.do('join', queue), true);
  });

  stage.beyond(
    'close',
    'N165: join of a closed queue waits for what is unfinished, and is let go by the last taskDone',
    async () => {
      const queue = await stage.make.joinableQueue();
      const [worker, one, two] = await stage.actors(3);
      for (let n = 0; n < 2; n++) await worker.do('putItem', queue, n);
      await worker.do('closeQueue', queue);
      const joins = [one, two].map((actor) => actor.do('join', queue));
      assert.deepEqual(await worker.do('drain', queue), [0, 1]);
      await worker.do('taskDone', queue);
      assert.equal(await worker.do('join', queue, { timeout: 30 }), false);
      await worker.do('taskDone', queue);
      assert.deepEqual(await Promise.all(joins), [true, true]);
      await assert.rejects(worker.do('taskDone', queue), { code: 'ERR_LOCKSTEP_OVER_RELEASE' });
    },
  );

  stage.it(
    'N166, X39: join waits until every item is reported done, and all who join go on; again and again',
    async () => {
      const queue = await stage.make.joinableQueue();
      const [worker, one, two] = await stage.actors(3);
      for (let round = 0; round < 3; round++) {
        for (let n = 0; n < 5; n++) await worker.do('putItem', queue, n);
        const joins = [one, two].map((actor) => actor.do('join', queue));
        for (let n = 0; n < 5; n++) {
          assert.equal((await stage.look(queue)).unfinished, 5 - n);
          assert.equal(await worker.do('getItem', queue), n);
          assert.equal(await queue.join({ timeout: 0 }), false);
          await worker.do('taskDone', queue);
        }
        assert.deepEqual(await Promise.all(joins), [true, true]);
      }
    },
  );

  stage.it('taskDone more often than items were put is refused; join gives up in time', async () => {
    const queue = await stage.make.joinableQueue();
    const [actor] = await stage.actors(1);
    await assert.rejects(actor.do('taskDone', queue), { code: 'ERR_LOCKSTEP_OVER_RELEASE' });
    await actor.do('putItem', queue, 1);
    const { value, milliseconds } = await actor.timed('join', queue, { timeout: 50 });
    assert.equal(value, false);
    assert.ok(milliseconds >= 50);
    await actor.do('taskDone', queue);
    assert.equal(await actor.do('join', queue), true);
  });
});
