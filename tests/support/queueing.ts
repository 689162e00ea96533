/** Targets that queue for an object, and one that keeps taking it. */

import type { Hold, Value } from 'lockstep';
import type { Style } from './backends/backend.ts';
import { turns } from './turns.ts';

interface Queueable {
  acquire(): Promise<Hold>;
  acquireSync(): Hold;
  describe(): { waiting: number };
}

/** How one that queued came to the object. */
export interface Place {
  /** How many had done so before. */
  rank: number;
  /** Whether it took it out of turn, as the one whose turn it was did not come. */
  impatient: boolean;
}

/** Takes the object and gives it back. */
export async function queues(object: Queueable, order: Value<'i32'>, style: Style): Promise<Place> {
  const hold = style === 'blocking' ? object.acquireSync() : await object.acquire();
  const rank = order.add(1);
  hold.release();
  return { rank, impatient: turns.impatient > 0 };
}

/**
 * Takes the object for a millisecond again and again until somebody else has had it. Counts the
 * times when it knew that one waited, until it has given way in vain.
 */
export function hogs(object: Queueable, order: Value<'i32'>, passes: Value<'i32'>): void {
  while (order.value === 0) {
    const hold = object.acquireSync();
    if (order.value === 0 && turns.noticed && turns.impatient === 0) passes.add(1);
    const end = performance.now() + 1;
    while (performance.now() < end);
    hold.release();
  }
}
