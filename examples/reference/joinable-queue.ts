import assert from 'node:assert/strict';
import { JoinableQueue } from 'lockstep';

const queue = new JoinableQueue<string>();
await queue.put('one');
await queue.put('two');

let done = 0;
const consumer = (async () => {
  for await (const _item of queue) {
    done += 1;
    queue.taskDone();
  }
})();

await queue.join(); // resolves when each item is reported done
assert.equal(done, 2);
queue.close();
await consumer;
