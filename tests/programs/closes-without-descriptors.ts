/**
 * Closes a queue with a large item, which has a file of its own, when no descriptor is left. Prints
 * what came of it. To be run with few descriptors.
 */

import { closeSync } from 'node:fs';
import { Queue } from 'lockstep';
import { takeDescriptors } from '../support/descriptors.ts';

const LARGE = 300_000;
const queue = new Queue<string>();
queue.putSync('x'.repeat(LARGE));
const { taken, full } = takeDescriptors();
let closed = 'closed';
try {
  queue.close();
} catch (error) {
  closed = String(error);
}
// Output, and the end of the program, take descriptors.
for (const fd of taken) closeSync(fd);
console.log(full, closed);
