/**
 * The order in which waiters are served, and the time for which a running thread may overtake them.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedSemaphore, Lock, Process, RLock, Semaphore } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import { hogs, type Place, queues } from '../support/queueing.ts';
import { HANG_MS, untilWaiting } from '../support/until.ts';
import { word } from '../support/words.ts';

const OBJECTS = [
  { name: 'a Lock', make: () => new Lock() },
  { name: 'an RLock', make: () => new RLock() },
  { name: 'a Semaphore of one', make: () => new Semaphore(1) },
  { name: 'a BoundedSemaphore of one', make: () => new BoundedSemaphore(1) },
];

const STYLES: Record<string, readonly Style[]> = {
  'that block': ['blocking'],
  'that await': ['awaiting'],
  'that block or await': ['blocking', 'awaiting'],
};

for (const { name: what, make } of OBJECTS) {
  describe(`${what}, held for long`, { timeout: HANG_MS }, () => {
    for (const [which, styles] of Object.entries(STYLES)) {
      it(`is given to processes ${which} in the order in which they came`, async () => {
        const object = make();
        const order = word();
        const hold = await object.acquire();
        const waiters: Process<Place>[] = [];
        for (let n = 0; n < 5; n++) {
          const style = styles[n % styles.length] ?? 'blocking';
          const waiter = new Process({ target: queues, args: [object, order, style] });
          waiter.start();
          waiters.push(waiter);
          await untilWaiting(object, n + 1);
        }
        hold.release();
        assertInOrder(await Promise.all(waiters.map(({ result }) => result)));
        object.close();
      });
    }
  });

  describe(`${what}, taken again at once by its releaser`, { timeout: HANG_MS }, () => {
    for (const style of ['blocking', 'awaiting'] as const) {
      it(`passes over a waiter (${style}) a few times at most`, async () => {
        const object = make();
        const order = word();
        const passes = word();
        const hog = new Process({ target: hogs, args: [object, order, passes] });
        hog.start();
        const waiter = new Process({ target: queues, args: [object, order, style] });
        waiter.start();
        await waiter.result;
        await hog.result;
        // It looks at the clock after four.
        assert.ok(passes.value <= 8, `it was passed over ${passes.value} times`);
        object.close();
      });
    }
  });
}

/** One that came earlier has the object earlier, unless it did not come in its turn. */
function assertInOrder(places: readonly Place[]): void {
  const told = places.map(({ rank, impatient }) => `${rank}${impatient ? ', out of turn' : ''}`).join('; ');
  for (const [n, { rank, impatient }] of places.entries()) {
    const overtook = places.slice(0, n).some((earlier) => earlier.rank > rank);
    assert.ok(!overtook || impatient, `${n} overtook one that waited before: ${told}`);
  }
  // The last one left is the oldest.
  assert.ok(
    places.some(({ impatient }) => !impatient),
    `nobody had its turn: ${told}`,
  );
}
