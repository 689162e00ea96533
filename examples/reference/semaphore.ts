import assert from 'node:assert/strict';
import { Semaphore } from 'lockstep';

// A count of things that are ready: the producer adds, the consumer waits.
const ready = new Semaphore(0);
ready.release(2);
await ready.acquire();
assert.equal(ready.value, 1);
assert.notEqual(ready.tryAcquire(), null);
assert.equal(ready.tryAcquire(), null);
