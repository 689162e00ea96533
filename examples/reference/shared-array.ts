import assert from 'node:assert/strict';
import { SharedArray } from 'lockstep';

const temperatures = new SharedArray('f64', 4);
temperatures.set(-1, 21.5); // from the end, as in Python
temperatures.runSync(() => temperatures.set(0, temperatures.at(-1) + 1));
assert.deepEqual(temperatures.toArray(), [22.5, 0, 0, 21.5]);
temperatures.view.fill(1); // the typed array itself: fastest, and without checks
assert.equal(temperatures.at(2), 1);
