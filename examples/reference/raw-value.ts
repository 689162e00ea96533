import assert from 'node:assert/strict';
import { RawValue } from 'lockstep';

const stop = new RawValue('bool');
assert.equal(stop.value, false);
stop.value = true;

const slot = new RawValue('i32', 7);
assert.equal(slot.compareExchange(7, 8), 7); // was 7, so it is 8 now
assert.equal(slot.value, 8);
