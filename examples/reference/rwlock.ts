import assert from 'node:assert/strict';
import { RWLock } from 'lockstep';

const settings = new RWLock();
const one = await settings.read.acquire();
const two = await settings.read.acquire(); // readers share it
assert.equal(settings.write.tryAcquire(), null); // a writer has to wait
one.release();
two.release();
settings.write.runSync(() => assert.equal(settings.describe().writer?.pid, process.pid));
