import assert from 'node:assert/strict';
import { Latch } from 'lockstep';

const started = new Latch(3);
const all = started.wait();
for (let part = 0; part < 3; part++) started.countDown();
assert.equal(await all, true);
assert.equal(started.count, 0);
