/**
 * Takes objects and drops them to the garbage collector; `node --expose-gc forgets.js`. Prints
 * their handles, and goes on until it is ended.
 */

import { setImmediate as turn } from 'node:timers/promises';
import { BoundedSemaphore, Lock, RLock, RWLock, Value } from 'lockstep';

const gc = (globalThis as { gc?: () => void }).gc ?? (() => {});

function take(): Record<string, string> {
  const taken = {
    lock: new Lock({ name: 'single-instance' }),
    rlock: new RLock(),
    permits: new BoundedSemaphore(2),
    reads: new RWLock(),
    writes: new RWLock(),
    guarding: new Value('i32', 0).lock,
  };
  taken.lock.acquireSync();
  taken.rlock.acquireSync();
  taken.permits.acquireSync();
  taken.reads.read.acquireSync();
  taken.writes.write.acquireSync();
  taken.guarding.acquireSync();
  const free = new Lock();
  return Object.fromEntries(Object.entries({ ...taken, free }).map(([key, object]) => [key, object.handle]));
}

const handles = take();
for (let round = 0; round < 20; round++) {
  gc();
  await turn();
}
console.log(JSON.stringify(handles));
setInterval(() => {}, 1000);
