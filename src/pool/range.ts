/**
 * Range: whole numbers as items of a map, sent as two numbers a chunk.
 */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';

/** The whole numbers from `start` to `end` - 1. */
export class Range implements Iterable<number> {
  readonly start: number;
  readonly end: number;

  /** @internal */
  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }

  *[Symbol.iterator](): Generator<number, void, void> {
    for (let n = this.start; n < this.end; n++) yield n;
  }
}

/**
 * The whole numbers from 0 to `end` - 1, as items of a `map`: a chunk of them is sent as two
 * numbers. Throws `InvalidTypeError`, `OutOfRangeError`.
 */
export function range(end: number): Range;
/** The whole numbers from `start` to `end` - 1. */
export function range(start: number, end: number): Range;
export function range(first: number, second?: number, ...more: unknown[]): Range {
  if (more.length > 0) {
    throw new InvalidTypeError(
      `range: refused, the third argument is ${inspect(more[0])}, and a range has no step; multiply in the function`,
    );
  }
  const [start, end] = second === undefined ? [0, first] : [first, second];
  for (const each of [start, end]) {
    if (typeof each !== 'number') {
      throw new InvalidTypeError(`range: refused, ${inspect(each)} is not a number; pass whole numbers`);
    }
    if (!Number.isSafeInteger(each)) {
      throw new OutOfRangeError(`range: refused, ${each} is not a whole number that JavaScript can count to`);
    }
  }
  return new Range(start, Math.max(start, end));
}
