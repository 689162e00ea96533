/**
 * The contract of Queue, case by case.
 *
 * Left out of M, with the reason:
 *   M159, M162 (join_thread, cancel_join_thread): there is no feeder thread; `put` has put the item
 *   when it returns.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { Lock, Queue } from 'lockstep';
import { UNSENDABLE } from '../support/messages.ts';
import { type Actor, suite } from '../support/stage.ts';
import { putsAndEnds, putsDown } from '../support/targets.ts';
import { until } from '../support/until.ts';

const FULL = { code: 'ERR_LOCKSTEP_QUEUE_FULL', name: 'QueueFullError' };
const EMPTY = { code: 'ERR_LOCKSTEP_QUEUE_EMPTY', name: 'QueueEmptyError' };
const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED' };

suite('Queue', (stage) => {
  stage.it('M150: a full queue is full, and refuses at once or when the time has passed', async () => {
    const queue = await stage.make.queue({ maxSize: 6 });
    const [actor] = await stage.actors(1);
    for (let n = 0; n < 6; n++) {
      assert.equal((await stage.look(queue)).full, false);
      await actor.do('putItem', queue, n);
    }
    const { size, full, empty } = await stage.look(queue);
    assert.deepEqual([size, full, empty], [6, true, false]);
    assert.equal(await actor.do('tryPut', queue, 6), false);
    for (const timeout of [0, -1]) await assert.rejects(actor.do('putItem', queue, 6, { timeout }), FULL);
    const start = performance.now();
    await assert.rejects(actor.do('putItem', queue, 6, { timeout: 60 }), FULL);
    assert.ok(performance.now() - start >= 60);
    assert.equal((await stage.look(queue)).size, 6);
  });

  stage.it('M151: an empty queue is empty, and refuses at once or when the time has passed', async () => {
    const queue = await stage.make.queue();
    const [actor] = await stage.actors(1);
    assert.equal(await actor.do('tryGet', queue), null);
    for (const timeout of [0, -1]) await assert.rejects(actor.do('getItem', queue, { timeout }), EMPTY);
    const start = performance.now();
    await assert.rejects(actor.do('getItem', queue, { timeout: 60 }), EMPTY);
    assert.ok(performance.now() - start >= 60);
  });

  stage.it('M153: the items of each producer come in its order, none lost, none twice', async () => {
    const queue = await stage.make.queue({ maxSize: 10 });
    const actors: Actor[] = await stage.actors(4);
    const [consumer, ...producers] = actors as [Actor, ...Actor[]];
    const each = stage.rounds(300);
    const got = consumer.do('getMany', queue, 3 * each);
    await Promise.all(producers.map((producer, n) => producer.do('putMany', queue, `${n}`, each)));
    const items = (await got) as [string, number][];
    for (const n of producers.keys()) {
      const mine = items.filter(([from]) => from === `${n}`).map(([, index]) => index);
      assert.deepEqual(
        mine,
        Array.from({ length: each }, (_, index) => index),
      );
    }
    assert.equal(await consumer.do('tryGet', queue), null);
  });

  stage.it('M154: an item that was put is there for everyone at once', async () => {
    const queue = await stage.make.queue();
    const [one, other] = await stage.actors(2);
    for (let n = 0; n < 20; n++) {
      await one.do('putItem', queue, n);
      assert.equal((await stage.look(queue)).empty, false);
      assert.equal(await other.do('tryGet', queue), n);
    }
  });

  stage.it(
    'M155, M164 HAZARD: a reader that is killed while it waits leaves the queue to the others',
    async () => {
      const queue = await stage.make.queue();
      const [doomed, other, third] = await stage.actors(3);
      void doomed.do('getItem', queue);
      await stage.untilWaiting(queue, 1);
      const gets = other.do('getItem', queue);
      await stage.untilWaiting(queue, 2);
      await doomed.kill();
      await third.do('putItem', queue, 'a');
      assert.equal(await gets, 'a');
      await third.do('putItem', queue, 'b');
      assert.equal(await other.do('tryGet', queue), 'b');
    },
  );

  const stopped = 'M155 HAZARD: a reader that is stopped while it waits keeps no item from the others';
  if (stage.all('process')) {
    stage.it(stopped, async () => {
      const queue = await stage.make.queue();
      const [slow, other, producer] = await stage.actors(3);
      const late = slow.do('getItem', queue);
      await stage.untilWaiting(queue, 1);
      const gets = other.do('getItem', queue);
      await stage.untilWaiting(queue, 2);
      await slow.freeze();
      await producer.do('putItem', queue, 'a');
      assert.equal(await gets, 'a');
      await producer.do('putItem', queue, 'b');
      assert.equal(await other.do('tryGet', queue), 'b');
      slow.thaw();
      await producer.do('putItem', queue, 'c');
      assert.equal(await late, 'c');
    });
  } else {
    stage.omit(stopped, 'a thread cannot be stopped in its tracks');
  }

  const amid = 'M155 HAZARD: a reader that is stopped in the middle of get leaves all items to the others';
  if (stage.all('process')) {
    stage.inMemory(amid, async () => {
      const count = 20_000;
      const [slow, other, producer] = await stage.actors(3);
      for (let round = 0; round < 5; round++) {
        const queue = new Queue();
        await producer.do('putNumbers', queue, count);
        const late = slow.do('drain', queue);
        await until(() => queue.size < count, 'the slow reader to begin');
        await slow.freeze();
        const left = queue.size;
        await producer.do('closeQueue', queue);
        const others = (await other.do('drain', queue)) as number[];
        assert.equal(others.length, left);
        slow.thaw();
        const items = [...((await late) as number[]), ...others];
        items.sort((a, b) => a - b);
        assert.deepEqual(items, [...new Array(count).keys()]);
        queue[Symbol.dispose]();
      }
    });
  } else {
    stage.omit(amid, 'a thread cannot be stopped in its tracks');
  }

  stage.it('M156 HAZARD: a value is encoded in put; changes made right after are not seen', async () => {
    const queue = await stage.make.queue({ maxSize: 1 });
    const [actor, other] = await stage.actors(2);
    await actor.do('putAndChange', queue);
    assert.deepEqual(await other.do('getItem', queue), { n: 1, list: [1] });
    await other.do('putItem', queue, 'in the way');
    const waits = actor.do('putAndChange', queue);
    if (!stage.all('blocking')) await other.do('getItem', queue);
    else assert.equal(await other.do('getItem', queue), 'in the way');
    await waits;
    const { n } = (await other.do('getItem', queue)) as { n: number };
    assert.equal(n, 1);
  });

  stage.it(
    'M157 HAZARD: a value that cannot be sent throws in put, naming it, and nothing is in the queue',
    async () => {
      const queue = await stage.make.queue({ maxSize: 2 });
      const [actor] = await stage.actors(1);
      for (const which of Object.keys(UNSENDABLE)) {
        await assert.rejects(actor.do('putUnsendable', queue, which), {
          code: 'ERR_LOCKSTEP_NOT_SENDABLE',
          message: /^Queue.*: value.* can't be sent/,
        });
      }
      assert.equal((await stage.look(queue)).size, 0);
      await actor.do('putItem', queue, 'fine');
      assert.equal(await actor.do('getItem', queue), 'fine');
    },
  );

  stage.it(
    'M160: a producer may end right after put, or be killed: an item that was put arrives',
    async () => {
      const queue = await stage.make.queue();
      const [producer, consumer] = await stage.actors(2);
      const count = stage.rounds(1000);
      await producer.do('putMany', queue, 'p', count);
      await producer.kill();
      for (let n = 0; n < count; n++) assert.deepEqual(await consumer.do('tryGet', queue), ['p', n]);
      assert.equal(await consumer.do('tryGet', queue), null);
    },
  );

  stage.inMemory('M160, M163: an item arrives, however its producer ends right after put', async () => {
    const queue = stage.share(new Queue());
    const [consumer] = await stage.actors(1);
    for (const how of ['returns', 'exits', 'throws', 'is killed'] as const) {
      if (how === 'is killed' && !stage.all('process')) continue;
      const worker = stage.worker({ target: putsAndEnds, args: [queue, 300, how] });
      worker.start();
      worker.result.catch(() => {});
      await worker.join();
      for (let n = 0; n < 300; n++) assert.deepEqual(await consumer.do('tryGet', queue), [how, n]);
      assert.equal(await consumer.do('tryGet', queue), null);
    }
  });

  stage.inMemory(
    'X37: a child that was started after its parent had put can put itself, and its own child',
    async () => {
      const queue = stage.share(new Queue());
      const [consumer] = await stage.actors(1);
      queue.putSync('from the parent');
      const worker = stage.worker({ target: putsDown, args: [queue, 2] });
      worker.start();
      assert.equal(await worker.join(), true);
      for (const item of ['from the parent', 2, 1, 0]) assert.equal(await consumer.do('tryGet', queue), item);
      assert.equal((await stage.look(queue)).empty, true);
    },
  );

  stage.it('a consumer waits for an item, a producer for room', async () => {
    const queue = await stage.make.queue({ maxSize: 1 });
    const [one, two] = await stage.actors(2);
    const gets = one.do('getItem', queue);
    await stage.untilWaiting(queue, 1);
    await two.do('putItem', queue, 'first');
    assert.equal(await gets, 'first');
    await two.do('putItem', queue, 'second');
    const puts = two.do('putItem', queue, 'third');
    assert.equal(await one.do('getItem', queue), 'second');
    await puts;
    assert.equal(await one.do('getItem', queue), 'third');
  });

  stage.beyond(
    'close',
    'close ends every iteration after the last item, and refuses what is put then',
    async () => {
      const queue = await stage.make.queue();
      const [one, two, three] = await stage.actors(3);
      const drains = [one, two].map((actor) => actor.do('drain', queue));
      await three.do('putMany', queue, 'x', 50);
      await three.do('closeQueue', queue);
      const items = (await Promise.all(drains)).flat();
      assert.equal(items.length, 50);
      await assert.rejects(three.do('putItem', queue, 1), CLOSED);
      await assert.rejects(three.do('getItem', queue), CLOSED);
      await assert.rejects(three.do('tryGet', queue), CLOSED);
      assert.equal((await stage.look(queue)).closed, true);
      await three.do('closeQueue', queue);
    },
  );

  stage.beyond('close', 'close lets those go who wait for an item, and those who wait for room', async () => {
    const [empty, full] = [await stage.make.queue(), await stage.make.queue({ maxSize: 1 })];
    const [one, two, closer] = await stage.actors(3);
    await full.put(1);
    const gets = assert.rejects(one.do('getItem', empty), CLOSED);
    const puts = assert.rejects(two.do('putItem', full, 2), CLOSED);
    await stage.untilWaiting(empty, 1);
    for (const queue of [empty, full]) await closer.do('closeQueue', queue);
    await Promise.all([gets, puts]);
    assert.equal(await full.get(), 1);
  });

  stage.it('carries what structured clone carries', async () => {
    const queue = await stage.make.queue();
    const [actor] = await stage.actors(1);
    const cyclic: Record<string, unknown> = { list: [] };
    cyclic.self = cyclic;
    const twice = { deep: 1 };
    const values: unknown[] = [
      undefined,
      null,
      true,
      0,
      -0,
      127,
      128,
      -1,
      2 ** 31,
      1.5,
      Number.NaN,
      Infinity,
      0n,
      -(10n ** 40n),
      '',
      'a',
      'x'.repeat(31),
      'y'.repeat(32),
      'ä'.repeat(1000),
      '日本語\ud800',
      [1, [2]],
      new Array(20).fill('z'),
      { a: { b: null } },
      Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`key ${n}`, n])),
      new Date(5),
      new Map([[{}, 1]]),
      new Set([1]),
      /a+/gi,
      new Uint8Array([1, 2]),
      new Float64Array([1.5]),
      new Uint8Array(3).buffer,
      Object.assign(new Array(3), { 2: 1 }),
      { one: twice, two: twice },
      cyclic,
      new Error('e', { cause: 1 }),
      { ['__proto__']: 1 },
    ];
    for (const value of values) {
      await actor.do('putItem', queue, value);
      assert.deepEqual(await queue.get(), value);
    }
    await queue.put({ one: twice, two: twice });
    const same = (await queue.get()) as { one: object; two: object };
    assert.equal(same.one, same.two);
  });

  stage.inMemory('carries shared objects', async () => {
    const queue = stage.share(new Queue());
    const lock = stage.share(new Lock());
    const [actor] = await stage.actors(1);
    await actor.do('putItem', queue, [lock]);
    assert.equal((queue.getSync() as [Lock])[0].handle, lock.handle);
    queue.putSync({ nested: [lock] });
    const opened = (queue.getSync() as { nested: [Lock] }).nested[0];
    assert.equal(opened.handle, lock.handle);
    assert.ok(queue.tryPut(new Lock()) && queue.getSync() instanceof Lock);
  });

  stage.beyond('bytes', 'an item may be larger than the queue, and gives its memory back', async () => {
    const queue = await stage.make.queue({ bytes: 4096 });
    const [producer, consumer] = await stage.actors(2);
    const bytes = new Uint8Array(300_000).map((_, n) => n);
    for (let n = 0; n < 3; n++) {
      await producer.do('putItem', queue, bytes);
      assert.deepEqual(await consumer.do('getItem', queue), bytes);
    }
    await producer.do('putItem', queue, 'small');
    assert.equal(await consumer.do('getItem', queue), 'small');
  });

  stage.beyond('bytes', 'a queue without maxSize is bounded by its bytes', async () => {
    const queue = await stage.make.queue({ bytes: 4096 });
    const [actor] = await stage.actors(1);
    let count = 0;
    while (await actor.do('tryPut', queue, 'x'.repeat(80))) count++;
    assert.ok(count >= 30 && count < 60, `${count} items`);
    for (let n = 0; n < count; n++) await actor.do('tryGet', queue);
    await actor.do('tryPut', queue, 'again');
  });
});
