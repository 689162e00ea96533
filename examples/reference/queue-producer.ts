import assert from 'node:assert/strict';
import type { QueueProducer } from 'lockstep';
import { isMainProcess, Process, Queue } from 'lockstep';

export async function produce(producer: QueueProducer<number>): Promise<void> {
  await producer.put(1);
  await producer.put(2);
}

if (isMainProcess) {
  const queue = new Queue<number>({ endsWithProducers: true });
  new Process({ target: produce, args: [queue.producer] }).start();
  queue.producer.close(); // this thread puts nothing
  const got: number[] = [];
  for await (const item of queue) got.push(item); // ends with the child, also when it is killed
  assert.deepEqual(got, [1, 2]);
}
