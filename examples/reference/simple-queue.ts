import assert from 'node:assert/strict';
import { SimpleQueue } from 'lockstep';

const queue = new SimpleQueue<string>();
await queue.put('hello');
assert.equal(queue.empty, false);
assert.equal(queue.getSync(), 'hello');
