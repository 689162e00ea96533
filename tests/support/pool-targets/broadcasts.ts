/** Functions that not every worker ends alike. */

import type { RawArray } from 'lockstep';
import { fail } from './errors.ts';

/** Throws in the first worker that calls it. */
export function failFirst(counts: RawArray<'i32'>, index: number): number {
  const before = Atomics.add(counts.view as Int32Array, index, 1);
  return before === 0 ? fail(before) : before;
}
