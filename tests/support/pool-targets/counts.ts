/** Functions whose runs are counted. */

import { currentTask, type Queue, type RawArray } from 'lockstep';
import { failFor } from './errors.ts';

export function countRun(counts: RawArray<'i32'>, index: number): number {
  Atomics.add(counts.view as Int32Array, index, 1);
  return index;
}

export function noteRun(log: Queue<number>, n: number): number {
  log.putSync(n);
  return n;
}

export function noteUnless3([log, n]: readonly [Queue<number>, number]): number {
  log.putSync(n);
  return failFor(n, 3);
}

/** Counts its run, and stays until it is asked to stop. */
export async function countAndStay(counts: RawArray<'i32'>, index: number): Promise<number> {
  countRun(counts, index);
  const { signal } = currentTask()!;
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return index;
}

/** Counts its run, and works for so many microseconds. */
export function countAndWork(counts: RawArray<'i32'>, index: number, microseconds: number): number {
  countRun(counts, index);
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
  return index;
}
