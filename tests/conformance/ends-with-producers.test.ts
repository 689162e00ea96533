/**
 * A queue that ends with its producers: its consumers learn when no producer is left, however the
 * last one ended.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Event, JoinableQueue, Process, Queue, QueueProducer, Thread, waitAny, waitAnySync } from 'lockstep';
import { cellsInUse } from '../support/internals.ts';
import { consumes, putsAndDies, putsBy, putsByItem, putsLate } from '../support/producers.ts';
import { HANG_MS, until } from '../support/until.ts';

const END = { code: 'ERR_LOCKSTEP_END_OF_STREAM', name: 'EndOfStreamError' };
const CLOSED = { code: 'ERR_LOCKSTEP_CLOSED' };
const ENDS = { endsWithProducers: true };

describe('a queue that ends with its producers', { timeout: HANG_MS, concurrency: true }, () => {
  it('gives all that was put, and then the end, when the last producer has ended in any way', async () => {
    for (const Kind of [Process, Thread]) {
      await Promise.all(
        ['returns', 'closes', 'throws', 'killed'].map(async (ending) => {
          if (Kind === Thread && ending === 'killed') return;
          const queue = new Queue<number>(ENDS);
          const children = [1, 2].map(
            () => new Kind({ target: putsBy, args: [queue.producer, 5, ending] }) as Process,
          );
          for (const child of children) child.start();
          queue.producer.close();
          const items: number[] = [];
          for await (const item of queue) items.push(item);
          assert.deepEqual(items.sort(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
          await assert.rejects(queue.get(), { ...END, message: /producing side/ });
          assert.throws(() => queue.tryGet()!, END);
          assert.throws(() => queue.getSync(), END);
          assert.deepEqual([...queue], []);
          for (const child of children) await child.join();
          queue[Symbol.dispose]();
        }),
      );
    }
  });

  it('wakes those who wait, blocking and awaiting, in other processes and threads', async () => {
    for (const dies of [true, false]) {
      const queue = new Queue<number>(ENDS);
      const [there, go] = [new Event(), new Event()];
      const producer = new Process({ target: putsLate, args: [queue.producer, there, go, dies] });
      producer.start();
      queue.producer.close();
      const consumers = ['for await', 'for', 'get', 'getSync'].flatMap((how) =>
        [Process, Thread].map((Kind) => {
          const child = new Kind({ target: consumes, args: [queue, how, new Event()] }) as Process<
            Awaited<ReturnType<typeof consumes>>
          >;
          child.start();
          return { how, child };
        }),
      );
      await there.wait();
      await until(() => queue.describe().waiting === consumers.length, 'all consumers to wait');
      assert.equal(queue.describe().hasProducers, true);
      go.set();
      const all: number[] = [];
      for (const { how, child } of consumers) {
        const { items, end } = await child.result;
        all.push(...items);
        assert.equal(end, how.startsWith('get') ? END.code : 'end');
      }
      assert.deepEqual(all, [7]);
      assert.equal(queue.describe().hasProducers, false);
      for (const { child } of consumers) await child.join();
      await producer.join();
    }
  });

  it('does not end before its producers have begun, or while one lies in a queue', async () => {
    const queue = new Queue<number>(ENDS);
    const sides = new JoinableQueue<QueueProducer<number>>();
    sides.putSync(queue.producer);
    queue.producer.close();
    assert.equal(queue.tryGet(), null);
    const child = new Process({ target: putsByItem, args: [sides] });
    child.start();
    assert.equal(await queue.get(), 1);
    await assert.rejects(queue.get(), END);
    await child.join();
    const again = new Queue<number>(ENDS);
    sides.putSync(again.producer);
    again.producer.close();
    const end = assert.rejects(again.get(), END);
    sides[Symbol.dispose]();
    await end;
  });

  it('is ready for waitAny when it has ended', async () => {
    const queue = new Queue<number>(ENDS);
    const waits = waitAny([queue]);
    assert.deepEqual(waitAnySync([queue], { timeout: 0 }), []);
    queue.producer.close();
    assert.deepEqual(await waits, [queue]);
    assert.deepEqual(waitAnySync([queue]), [queue]);
  });

  it('is put into by its producing side only', async () => {
    const queue = new Queue<number>({ ...ENDS, maxSize: 2 });
    const { producer } = queue;
    for (const put of [() => queue.putSync(1), () => queue.tryPut(1)]) {
      assert.throws(put, { code: 'ERR_LOCKSTEP_STATE', message: /queue\.producer/ });
    }
    await assert.rejects(queue.put(1), { code: 'ERR_LOCKSTEP_STATE' });
    producer.tryPut(1);
    await producer.put(2);
    assert.throws(() => producer.tryPut(3), { code: 'ERR_LOCKSTEP_QUEUE_FULL' });
    await assert.rejects(producer.put(3, { timeout: 1 }), { code: 'ERR_LOCKSTEP_QUEUE_FULL' });
    const waits = assert.rejects(producer.put(3), CLOSED);
    assert.equal(queue.describe().waitingToPut, 1);
    assert.match(String(producer), /^<QueueProducer of a queue with 2 items>$/);
    assert.equal(producer.describe().size, 2);
    producer.close();
    producer.close();
    await waits;
    await assert.rejects(producer.put(3), CLOSED);
    assert.equal(queue.producer, producer);
    assert.deepEqual([...queue], [1, 2]);
  });

  it('may be closed before its producers are gone', async () => {
    const queue = new Queue<number>(ENDS);
    queue.producer.putSync(1);
    queue.close();
    assert.throws(() => queue.producer.putSync(2), CLOSED);
    assert.equal(await queue.get(), 1);
    await assert.rejects(queue.get(), CLOSED);
  });

  it('is opened by name without its producing side, which is opened when it is asked for', () => {
    const options = { ...ENDS, name: 'ends', namespace: 'ends-with-producers' };
    const queue = new Queue<number>(options);
    const same = new Queue<number>({ name: options.name, namespace: options.namespace });
    same.producer.putSync(1);
    queue.producer.close();
    assert.equal(queue.getSync(), 1);
    assert.equal(same.describe().hasProducers, true);
    QueueProducer.open(same.producer.handle).close();
    same.producer.close();
    assert.throws(() => queue.getSync(), END);
    const late = Queue.open(queue.handle);
    assert.throws(() => late.producer, END);
    assert.throws(() => new Queue().producer, { code: 'ERR_LOCKSTEP_STATE', message: /endsWithProducers/ });
    assert.throws(() => new Queue({ endsWithProducers: 1 as never }), { code: 'ERR_LOCKSTEP_INVALID_TYPE' });
  });

  it('keeps what was put until the last is taken, also where no consumer was there yet', async () => {
    const queue = new Queue<number>(ENDS);
    const { handle } = queue.producer;
    queue.producer.putSync(1);
    queue[Symbol.dispose]();
    const later = QueueProducer.open<number>(handle);
    assert.equal(later.describe().size, 1);
    const before = cellsInUse(later);
    queue.producer.close();
    later.close();
    assert.ok(before > 0);
    assert.throws(() => QueueProducer.open(handle), { code: 'ERR_LOCKSTEP_STALE_HANDLE' });
  });

  it('is not needed where consumers wait for the child, too, as docs/guide/dead-producers.md says', async () => {
    const queue = new Queue<number>();
    const child = new Process({ target: putsAndDies, args: [queue] });
    child.start();
    const items: number[] = [];
    for (;;) {
      await waitAny([queue, child.sentinel]);
      while (!queue.empty) items.push(queue.tryGet()!);
      if (child.sentinel.aborted && queue.empty) break;
    }
    assert.deepEqual(items, [1, 2]);
    await child.join();
  });
});
