import assert from 'node:assert/strict';
import { Queue, waitAnySync } from 'lockstep';

const queue = new Queue<string>();
assert.deepEqual(waitAnySync([queue], { timeout: 10 }), []);
queue.putSync('letter');
assert.deepEqual(waitAnySync([queue]), [queue]);
