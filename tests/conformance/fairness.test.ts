/**
 * The order in which waiters are served, and the time for which a running thread may overtake them.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BoundedSemaphore, Lock, Process, RLock, Semaphore, Value } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import { hogs, queues } from '../support/targets.ts';
import { HANG_MS, untilWaiting } from '../support/until.ts';

const word = (): Value<'i32'> => new Value('i32', 0, { lock: false });

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
        const waiters: Process<number>[] = [];
        for (let n = 0; n < 5; n++) {
          const style = styles[n % styles.length] ?? 'blocking';
          const waiter = new Process({ target: queues, args: [object, order, style] });
          waiter.start();
          waiters.push(waiter);
          await untilWaiting(object, n + 1);
        }
        hold.release();
        const ranks = await Promise.all(waiters.map(({ result }) => result));
        assert.deepEqual(ranks, [0, 1, 2, 3, 4]);
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
        // Four, and those while the waiter has filled its entry and not yet said that it waits.
        assert.ok(passes.value <= 20, `it was passed over ${passes.value} times`);
        object.close();
      });
    }
  });
}
