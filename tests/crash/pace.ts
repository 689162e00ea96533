/**
 * Pace: the points at which victims die. `LOCKSTEP_CRASH` says which:
 *
 *   all     each of them
 *   every   the same, and reads that follow each other are points of their own (countdown.ts)
 *   2/5     one in five: of the first operation the 2nd, 7th, …, of the next one the 3rd, 8th, …
 *
 * Unset, a run takes one in five, and draws where it begins: five runs in a row come to all
 * points of most operations.
 */

import { randomInt } from 'node:crypto';

const ONE_IN = 5;

export interface Pace {
  /** As `LOCKSTEP_CRASH` would say it. */
  readonly text: string;
  readonly step: number;
  /** The first point of the operation with that index. */
  first(operation: number): number;
}

/** The value of the text; drawn by chance without one. */
export function paceOf(text = process.env.LOCKSTEP_CRASH): Pace {
  if (text === 'all' || text === 'every') return { text, step: 1, first: () => 1 };
  const parts = /^([1-9]\d?)\/([1-9]\d?)$/.exec(text ?? `${1 + randomInt(ONE_IN)}/${ONE_IN}`);
  const [start, step] = [Number(parts?.[1]), Number(parts?.[2])];
  if (parts === null || start > step)
    throw new Error(`LOCKSTEP_CRASH must be all, every or k/n with k from 1 to n, but is ${text}`);
  return { text: parts[0], step, first: (operation) => 1 + ((start - 1 + operation) % step) };
}
