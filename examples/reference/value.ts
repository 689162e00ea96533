import assert from 'node:assert/strict';
import { Value } from 'lockstep';

const counter = new Value('i32', 40);
assert.equal(counter.add(1), 40); // one atomic step; returns the old value
counter.runSync(() => {
  counter.value += 1; // two steps, kept together by the value's lock
});
assert.equal(counter.value, 42);
assert.throws(() => {
  counter.value = 2 ** 40;
}, RangeError);
