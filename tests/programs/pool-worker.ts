/** Targets for workers of a pool or of a cluster, of `node:worker_threads` or a foreign package. */

import { setTimeout as sleep } from 'node:timers/promises';
import { Barrier, Lock, Value } from 'lockstep';

/** Adds one by one to a named Value, inside a named Lock; returns how many it has added. */
export async function adds(times: number): Promise<number> {
  const lock = new Lock({ name: 'pooled' });
  const total = new Value('i32', 0, { name: 'pooled-total', lock: false });
  for (let i = 0; i < times; i++) {
    const hold = i % 2 === 0 ? lock.acquireSync() : await lock.acquire();
    total.value = total.value + 1;
    hold.release();
  }
  lock.close();
  total.close();
  return times;
}

/** Comes back when as many have come. */
export async function meets(parties: number): Promise<void> {
  const barrier = new Barrier(parties, { name: 'pooled-meeting' });
  await barrier.wait();
  barrier.close();
}

/** Takes the named lock, says so, and keeps it. */
export async function keeps(): Promise<void> {
  const lock = new Lock({ name: 'pooled' });
  const held = new Value('i32', 0, { name: 'pooled-held', lock: false });
  const hold = await lock.acquire();
  held.add(1);
  for (;;) {
    await sleep(1000);
    if (hold.recovered) held.add(1);
  }
}
