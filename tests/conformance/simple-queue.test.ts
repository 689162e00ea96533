/** The contract of SimpleQueue, case by case. */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { SimpleQueue } from 'lockstep';
import { UNSENDABLE } from '../support/messages.ts';
import { suite } from '../support/stage.ts';
import { until } from '../support/until.ts';

suite('SimpleQueue', (stage) => {
  stage.it('N168: put and get round-trip, also null; empty is accurate', async () => {
    const queue = stage.share(new SimpleQueue());
    const [one, two] = await stage.actors(2);
    assert.equal(queue.empty, true);
    for (const value of [null, undefined, 'x', { a: [1] }]) {
      await one.do('putItem', queue, value);
      assert.equal(queue.empty, false);
      assert.deepEqual(await two.do('getItem', queue), value);
    }
    assert.equal(queue.empty, true);
  });

  stage.it('N168: put waits when it is full, and goes on when something is taken', async () => {
    const queue = stage.share(new SimpleQueue<unknown>());
    const [actor] = await stage.actors(1);
    const megabytes = new Uint8Array(3_000_000);
    const puts = actor.do('putItems', queue as SimpleQueue, megabytes, 8);
    await until(() => queue.describe().waitingToPut === 1, 'the queue to be full');
    for (let n = 0; n < 8; n++) assert.equal(((await queue.get()) as Uint8Array).length, megabytes.length);
    await puts;
    assert.equal(queue.empty, true);
  });

  stage.it('N169: a value that cannot be sent throws in the caller', async () => {
    const queue = stage.share(new SimpleQueue());
    const [actor] = await stage.actors(1);
    for (const which of Object.keys(UNSENDABLE)) {
      await assert.rejects(actor.do('putUnsendable', queue, which), {
        code: 'ERR_LOCKSTEP_NOT_SENDABLE',
        message: /^SimpleQueue: value.* can't be sent/,
      });
    }
    assert.equal(queue.empty, true);
  });
});
