/** Functions whose runs are counted. */

import type { Queue, RawArray } from 'lockstep';
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
