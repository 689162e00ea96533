import assert from 'node:assert/strict';
import { Event } from 'lockstep';

const ready = new Event();
assert.equal(await ready.wait({ timeout: 10 }), false); // not set in time
const waiting = ready.wait();
ready.set(); // wakes everyone
assert.equal(await waiting, true);
assert.equal(ready.isSet(), true);
