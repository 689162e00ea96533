/**
 * Adds one by one to a named Value, inside a named Lock: `adds-named <times> [namespace]`. Prints
 * how often the lock said that a holder had died inside.
 */

import { Lock, Value } from 'lockstep';

const [, , times, namespace = 'default'] = process.argv;
const lock = new Lock({ name: 'adding', namespace });
const total = new Value('i32', 0, { name: 'total', namespace, lock: false });
let recoveries = 0;
for (let i = 0; i < Number(times); i++) {
  // Blocking and awaiting by turns: both queue together.
  const hold = i % 2 === 0 ? lock.acquireSync() : await lock.acquire();
  if (hold.recovered) recoveries++;
  total.value = total.value + 1;
  hold.release();
}
console.log(recoveries);
