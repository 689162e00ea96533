/**
 * The contract of waitAny, case by case.
 *
 * Left out of L, with the reason:
 *   L147, L148, X35 (Listener, Client): not part of this.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, Pipe, Queue, waitAny, waitAnySync } from 'lockstep';
import { type Actor, suite } from '../support/stage.ts';
import { repliesOnce } from '../support/targets.ts';

suite('waitAny', (stage) => {
  const pipe = (options?: { duplex: boolean }): [Connection, Connection] => {
    const [a, b] = Pipe(options);
    return [stage.share(a), stage.share(b)];
  };

  stage.it(
    'L144, L145: waitAny tells all that are ready, the same objects; none when the time has passed',
    async () => {
      const pipes = Array.from({ length: 3 }, () => pipe());
      const queue = stage.share(new Queue());
      const [waiter, sender] = await stage.actors(2);
      const objects = [...pipes.map(([, there]) => there), queue];
      for (const timeout of [0, -1]) assert.deepEqual(await waiter.do('waitAny', objects, { timeout }), []);
      const { value, milliseconds } = await waiter.timed('waitAny', objects, { timeout: 50 });
      assert.deepEqual(value, []);
      assert.ok(milliseconds >= 50);
      const waits = waiter.do('waitAny', objects);
      await sender.do('send', pipes[1]![0], 'x');
      assert.deepEqual(await waits, [1]);
      await sender.do('putItem', queue, 'y');
      assert.deepEqual(await waiter.do('waitAny', objects), [1, 3]);
      await waiter.do('recv', objects[1] as Connection);
      await waiter.do('getItem', queue);
      const ends = waiter.do('waitAny', objects);
      pipes[2]![0].close();
      assert.deepEqual(await ends, [2]);
    },
  );

  stage.it('L145: waitAny tells of a child that has ended, also in a blocked thread', async () => {
    const [here, there] = pipe();
    for (const way of ['blocking', 'awaiting']) {
      const worker = stage.worker({ target: repliesOnce, args: [there] });
      worker.start();
      const { sentinel } = worker;
      const objects = [stage.share(new Queue()), sentinel];
      const timeout = 5;
      assert.deepEqual(waitAnySync(objects, { timeout }), []);
      assert.deepEqual(await waitAny(objects, { timeout }), []);
      here.sendSync('x');
      assert.deepEqual(here.recvSync(), { reply: 'x' });
      assert.deepEqual(way === 'blocking' ? waitAnySync(objects) : await waitAny(objects), [sentinel]);
      assert.equal(worker.exitCode, 0);
    }
  });

  // The timers of Node turn a longer time than 2^31 - 1 ms into 1 ms.
  stage.it('waitAny on a signal waits for a long timeout, too', async () => {
    const controller = new AbortController();
    const waits = waitAny([controller.signal], { timeout: 2 ** 31 });
    assert.equal(await Promise.race([waits, sleep(20, 'waits')]), 'waits');
    controller.abort();
    assert.deepEqual(await waits, [controller.signal]);
  });

  stage.it('L145: waitAny on nothing waits for its timeout, or not at all', async () => {
    const [actor] = await stage.actors(1);
    const { value, milliseconds } = await actor.timed('waitAny', [], { timeout: 50 });
    assert.deepEqual(value, []);
    assert.ok(milliseconds >= 50);
    for (const timeout of [0, -1]) assert.deepEqual(await actor.do('waitAny', [], { timeout }), []);
    assert.deepEqual(await actor.do('waitAny', []), [], 'nothing would end a wait without a timeout');
    const controller = new AbortController();
    const waits = waitAny([], { signal: controller.signal });
    assert.equal(await Promise.race([waits, sleep(20, 'waits')]), 'waits');
    controller.abort(new Error('enough'));
    await assert.rejects(waits, { message: 'enough' });
  });

  stage.it(
    'X33: four writers, read through waitAny and dropped at their end, give all their messages in order',
    async () => {
      const [reader, ...writers]: Actor[] = await stage.actors(5);
      const pipes = writers.map(() => pipe({ duplex: false }));
      const collected = reader!.do(
        'collect',
        pipes.map(([reads]) => reads),
      );
      await Promise.all(
        writers.map(async (writer, n) => {
          const writes = pipes[n]![1];
          await writer.do('sendMany', writes, n, 10);
          await writer.do('closeEnd', writes);
          writes.close();
        }),
      );
      const messages = (await collected) as [number, number][];
      assert.equal(messages.length, 40);
      for (const n of writers.keys()) {
        const mine = messages.filter(([from]) => from === n).map(([, index]) => index);
        assert.deepEqual(mine, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
    },
  );

  stage.it('X33: a writer that is killed is dropped at its end, after what it had sent', async () => {
    const [reader, doomed, other] = await stage.actors(3);
    const pipes = [pipe({ duplex: false }), pipe({ duplex: false })];
    const collected = reader.do(
      'collect',
      pipes.map(([reads]) => reads),
    );
    await doomed.do('sendMany', pipes[0]![1], 0, 10);
    await other.do('sendMany', pipes[1]![1], 1, 10);
    await other.do('closeEnd', pipes[1]![1]);
    for (const [, writes] of pipes) writes.close();
    await doomed.kill();
    assert.equal((await collected).length, 20);
  });
});
