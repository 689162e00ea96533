import assert from 'node:assert/strict';
import { ShareableList } from 'lockstep';

const list = new ShareableList(['Ann', 3.5, true, null]);
list.set(0, 'Bob');
assert.deepEqual(list.toArray(), ['Bob', 3.5, true, null]);
assert.equal(list.indexOf(true), 2);
