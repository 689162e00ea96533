/**
 * One of many programs that all make the same objects at the same moment, round after round:
 * `first-comers <programs> <rounds> same|fresh`, in the same namespace each time or in a fresh one.
 * Prints, as JSON, the handles that it got and the totals.
 */

import { Barrier, Lock, Value } from 'lockstep';

const [, , programs, rounds, where] = process.argv;
const gate = new Barrier(Number(programs), { name: 'gate' });
const handles: string[] = [];
const totals: number[] = [];
for (let round = 0; round < Number(rounds); round++) {
  const namespace = where === 'fresh' ? `round-${round}` : 'default';
  gate.waitSync();
  const lock = new Lock({ name: 'first', namespace });
  const total = new Value('i32', 0, { name: 'first-total', namespace, lock: false });
  lock.runSync(() => {
    total.value = total.value + 1;
  });
  gate.waitSync();
  handles.push(lock.handle);
  totals.push(total.value);
  gate.waitSync();
  total.close();
  lock.close();
}
console.log(JSON.stringify({ handles, totals }));
