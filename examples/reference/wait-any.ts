import assert from 'node:assert/strict';
import { Queue, waitAny } from 'lockstep';

const urgent = new Queue<string>();
const normal = new Queue<string>();
await normal.put('letter');
assert.deepEqual(await waitAny([urgent, normal]), [normal]);
assert.deepEqual(await waitAny([urgent], { timeout: 10 }), []);
