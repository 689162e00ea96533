import assert from 'node:assert/strict';
import { BoundedSemaphore } from 'lockstep';

// At most two at a time, over all programs that use this name.
const browsers = new BoundedSemaphore(2, { name: 'browsers' });
const first = await browsers.acquire();
await browsers.run(() => assert.equal(browsers.value, 0));
first.release();
assert.equal(browsers.value, browsers.limit);
