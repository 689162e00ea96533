// A consumer takes what its producers put, and notices when one of them was killed.

import assert from 'node:assert/strict';
import type { QueueProducer } from 'lockstep';
import { isMainProcess, Process, Queue } from 'lockstep';

export async function produce(out: QueueProducer<string>, name: string, dies: boolean): Promise<void> {
  for (let number = 1; number <= 3; number++) {
    if (dies && number === 3) process.kill(process.pid, 'SIGKILL');
    await out.put(`${name}${number}`);
  }
}

if (isMainProcess) {
  const queue = new Queue<string>({ endsWithProducers: true });
  const producers = [
    new Process({ target: produce, args: [queue.producer, 'a', false], name: 'a' }),
    new Process({ target: produce, args: [queue.producer, 'b', true], name: 'b' }),
  ];
  for (const producer of producers) producer.start();
  queue.producer.close();

  const items: string[] = [];
  for await (const item of queue) items.push(item); // ends when both are gone, killed or not
  console.log(items.sort().join(' '));

  for (const producer of producers) {
    await producer.join();
    if (producer.exitCode !== 0) console.log(`${producer.name} ended with ${producer.exitCode}`);
  }
  assert.deepEqual(items, ['a1', 'a2', 'a3', 'b1', 'b2']);
}
