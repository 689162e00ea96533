/** What the server of the act `Pool` runs for its requests. */

import { currentTask, type RawArray } from 'lockstep';

type Runs = RawArray<'i32'>;

/** Bytes that a greedy request leaves in its worker. */
const GREED = 4 * 1024 * 1024;
const hoard: Buffer[] = [];

function count(runs: Runs, slot: number): void {
  Atomics.add(runs.view as Int32Array, slot, 1);
}

/** Answers at once. */
export function quick(runs: Runs, slot: number, text: string): string {
  count(runs, slot);
  return text;
}

/** Computes for so many microseconds. */
export function compute(runs: Runs, slot: number, microseconds: number): number {
  count(runs, slot);
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
  return microseconds;
}

/** Awaits until its client or its time has gone. */
export async function linger(runs: Runs, slot: number): Promise<void> {
  count(runs, slot);
  const { signal } = currentTask()!;
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** Heeds nothing: only the end of its worker ends it. */
export function spin(runs: Runs, slot: number): never {
  count(runs, slot);
  for (;;);
}

/** Leaves memory behind. */
export function leak(runs: Runs, slot: number): number {
  count(runs, slot);
  hoard.push(Buffer.alloc(GREED, 1));
  return hoard.length;
}

export function refuse(runs: Runs, slot: number): never {
  count(runs, slot);
  throw new RangeError(`request ${slot} is refused`);
}

export function double(n: number): number {
  return 2 * n;
}
