import assert from 'node:assert/strict';
import { RawArray } from 'lockstep';

const histogram = new RawArray('u32', 256);
histogram.set(65, histogram.at(65) + 1);
assert.equal(histogram.view[65], 1);
assert.throws(() => histogram.at(256), RangeError);
