// Producer and consumer: two processes around a shelf that holds 1 to 10 items. The producer waits
// while the shelf is full, the consumer while it is empty. A Condition lets one sleep until the
// other has changed the shelf.

import { setTimeout as sleep } from 'node:timers/promises';
import { Condition, currentProcess, isMainProcess, Process, Value } from 'lockstep';
import { check } from './check.ts';

const [EMPTY, FULL, ITEMS] = [1, 10, 24];

/** Moves items one at a time, onto the shelf (step 1) or from it (step -1). */
export async function move(changed: Condition, shelf: Value, step: 1 | -1) {
  const name = currentProcess().name.padEnd(8);
  const limit = step === 1 ? FULL : EMPTY;
  const seen: number[] = [];
  let waits = 0;
  for (let n = 1; n <= ITEMS; n++) {
    // The consumer starts slowly, the producer gets tired.
    const slow = step === 1 ? n > 12 : n <= 6;
    await sleep(slow ? 40 : 2);
    await changed.run(async () => {
      if (shelf.value === limit) {
        waits++;
        console.log(`${name} waits, the shelf is ${step === 1 ? 'full' : 'empty'}`);
        await changed.waitFor(() => shelf.value !== limit);
      }
      shelf.value += step;
      seen.push(shelf.value);
      console.log(`${name} ${step === 1 ? '+' : '-'}  ${'■'.repeat(shelf.value)} ${shelf.value}`);
      changed.notify();
    });
  }
  return { waits, seen };
}

if (isMainProcess) {
  const changed = new Condition();
  const shelf = new Value('i32', EMPTY);
  const producer = new Process({ name: 'producer', target: move, args: [changed, shelf, 1] });
  const consumer = new Process({ name: 'consumer', target: move, args: [changed, shelf, -1] });
  producer.start();
  consumer.start();
  const [produced, consumed] = await Promise.all([producer.result, consumer.result]);

  const seen = [...produced.seen, ...consumed.seen];
  check(seen.length === 2 * ITEMS && shelf.value === EMPTY, `${ITEMS} items came and went`);
  check(Math.min(...seen) === EMPTY && Math.max(...seen) === FULL, 'the shelf always held from 1 to 10');
  check(produced.waits > 0, `the producer waited at a full shelf (times: ${produced.waits})`);
  check(consumed.waits > 0, `the consumer waited at an empty shelf (times: ${consumed.waits})`);
}
