// Three stages in processes of their own. A slow stage slows down those before it: no queue grows.

import assert from 'node:assert/strict';
import type { QueueProducer } from 'lockstep';
import { isMainProcess, Process, Queue } from 'lockstep';

export async function read(out: QueueProducer<number>): Promise<void> {
  for (let page = 1; page <= 100; page++) await out.put(page); // waits while ten pages wait
}

export async function square(pages: Queue<number>, out: QueueProducer<number>): Promise<void> {
  for await (const page of pages) await out.put(page * page);
}

if (isMainProcess) {
  // Each queue ends by itself when nobody is left who could put: no "end" item to send.
  const pages = new Queue<number>({ maxSize: 10, endsWithProducers: true });
  const results = new Queue<number>({ maxSize: 10, endsWithProducers: true });
  const stages = [
    new Process({ target: read, args: [pages.producer] }),
    new Process({ target: square, args: [pages, results.producer] }),
    new Process({ target: square, args: [pages, results.producer] }),
  ];
  for (const stage of stages) stage.start();
  pages.producer.close(); // this process puts nothing into these queues
  results.producer.close();

  let sum = 0;
  for await (const result of results) sum += result;
  for (const stage of stages) {
    await stage.join();
    assert.equal(stage.exitCode, 0); // the end of a queue does not mean success
  }
  console.log(`sum of the squares: ${sum}`);
}
