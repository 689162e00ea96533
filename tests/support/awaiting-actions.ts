/** Actions of barriers in a module that awaits at its top level, and targets that meet there. */

import type { Barrier, Queue } from 'lockstep';

await Promise.resolve();

export const runs: { value: number } = { value: 0 };

export function action(): void {
  runs.value++;
}

/**
 * Takes a barrier from the queue and meets there; returns how often the action ran in this child.
 */
export async function meets(queue: Queue<Barrier>, blocking: boolean): Promise<number> {
  const barrier = blocking ? queue.getSync() : await queue.get();
  if (blocking) barrier.waitSync();
  else await barrier.wait();
  return runs.value;
}

/** The same with a barrier that came as an argument. */
export function meetsAt(barrier: Barrier): number {
  barrier.waitSync();
  return runs.value;
}
