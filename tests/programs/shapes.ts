/** Sends many objects of one shape through a queue, and compares them. */
import assert from 'node:assert/strict';
import { Queue } from 'lockstep';

const queue = new Queue<object>();
let same = 0;
for (let id = 0; id < 300; id++) {
  const object = { id, name: `item ${id}`, list: [id] };
  queue.putSync(object);
  assert.deepStrictEqual(queue.getSync(), object);
  same++;
}
console.log(`${same} objects came through`);
