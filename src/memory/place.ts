/** Place: where a cell is, and which object is meant. */

import type { Words } from './atomics.ts';

/** Where a cell is: its number, and its first word in the segment that holds it. */
export interface Place {
  readonly number: number;
  readonly words: Words;
  readonly at: number;
}

/** An object as an item names it. */
export interface Named {
  readonly number: number;
  readonly generation: number;
}
