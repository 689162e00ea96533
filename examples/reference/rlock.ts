import assert from 'node:assert/strict';
import { RLock } from 'lockstep';

const lock = new RLock();

function save(): void {
  lock.runSync(() => assert.equal(lock.depth, 2));
}

lock.runSync(() => {
  assert.equal(lock.depth, 1);
  save(); // takes the same lock again
});
assert.equal(lock.locked, false);
