/**
 * A program with a block of shared memory:
 * `attaches <name> create|make|close|exit|die [namespace]`.
 */

import { SharedMemory } from 'lockstep';

const [, , name = '', how, namespace] = process.argv;
const create = how === 'create' || how === 'make';
try {
  const block = new SharedMemory({ name, namespace, ...(create ? { create, size: 8 } : {}) });
  const bytes = new Uint8Array(block.buffer);
  if (create) bytes[0] = 1;
  // Written at once, as it may be killed right after.
  process.stdout.write(`attached ${block.size} bytes, the first is ${bytes[0]}\n`, () => {
    if (how === 'close') block.close();
    if (how === 'die') process.kill(process.pid, 'SIGKILL');
    if (how === 'create') setInterval(() => {}, 1000);
  });
} catch (error) {
  console.log(Reflect.get(error as Error, 'code'));
}
