/** Functions whose runs are counted. */

import type { Queue, RawArray } from 'lockstep';
import { fail, failFor } from './errors.ts';

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

/** Throws in the first worker that calls it. */
export function failFirst(counts: RawArray<'i32'>, index: number): number {
  const before = Atomics.add(counts.view as Int32Array, index, 1);
  return before === 0 ? fail(before) : before;
}
