import assert from 'node:assert/strict';
import { SharedMemory } from 'lockstep';

// Makes the block, or attaches the one that another program has made.
const frame = new SharedMemory({ name: 'frame', size: 1024 });
new Uint8Array(frame.buffer)[0] = 255;

const again = new SharedMemory({ name: 'frame' });
assert.equal(new Uint8Array(again.buffer)[0], 255);
frame.unlink(); // a named block lives until then
