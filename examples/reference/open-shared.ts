import assert from 'node:assert/strict';
import { Lock, openShared } from 'lockstep';

const lock = new Lock();
const text = lock.handle; // send it any way you like: a message, an environment variable
const same = openShared(text);
assert.ok(same instanceof Lock);
same.acquireSync();
assert.equal(lock.locked, true);
