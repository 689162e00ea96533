import assert from 'node:assert/strict';
import { Lock } from 'lockstep';

const lock = new Lock({ name: 'invoices' });

// Awaiting: the event loop goes on until the lock is free.
const total = await lock.run(async () => 1 + 1);
assert.equal(total, 2);

// Blocking, with a limit: null when 50 ms have passed.
const hold = lock.acquireSync({ timeout: 50 });
if (hold === null) throw new Error('busy');
if (hold.recovered) console.log('the last holder died inside: check what it was writing');
assert.equal(lock.tryAcquire(), null);
assert.equal(lock.owner?.pid, process.pid);
hold.release();
