/**
 * Ring words: where the parts of a ring lie in memory, and the bits of an item's header. The table
 * in ring.ts names the writer of each.
 */

import { FORMAT, type Format } from '../../codec/format.ts';
import { LayoutError } from '../../errors.ts';

export const RING_MAGIC = 0x474e4952;
export const MAGIC_WORD = 0;
export const CAPACITY_WORD = 1;
export const MOST_WORD: number = 2;
export const HEAD_WORD = 16;
export const PUTS_WORD = 32;
export const END_WORD = 33;
export const RESERVED_WORD = 35;
export const DONE_WORD = 48;
/** Words before the ring itself. */
export const RING_HEADER_WORDS = 64;

export const MASK = 0x7fffffff;
/** Stands for a position or number of which none was seen yet. */
export const UNKNOWN = -1;
/** Number of items after which their numbers wrap around. */
export const NUMBER_MASK: number = MASK;
/** Most bytes of a small payload: if several put or take, these are copied in and out. */
export const SMALL = 512;
export const UNIT_SHIFT = 3;
/** Bytes of a unit. */
export const UNIT: number = 1 << UNIT_SHIFT;
export const SKIP: number = 1 << 31;
export const CARRIES: number = 1 << 31;
export const FORMAT_SHIFT = 29;
export const FORMAT_MASK = 3;
export const FAR_BIT: number = 1 << 28;
export const LENGTH_MASK: number = FAR_BIT - 1;
/** Most bytes of a payload whose length fits into a header, in whole units. */
export const LONGEST_IN_PLACE: number = FAR_BIT - UNIT;

/**
 * An item in the ring, until an agent takes it. Each ring has one such object, which describes the
 * item that was found last.
 */
export class Found {
  /** HEAD when it was found. */
  head = 0;
  /** HEAD when it is taken. */
  next = 0;
  /** First byte of its payload. */
  from = 0;
  length = 0;
  format: Format = FORMAT.VALUE;
  far = false;
  /** Whether there are shared objects in it. */
  carries = false;
  number = 0;
}

/**
 * A place for an item that is about to be put. Each ring has one such object, which describes the
 * place that was asked for last.
 */
export class RingSpace {
  /** First byte that the payload may use, and the first that it may not. */
  from = 0;
  limit = 0;
}

/** The two ends do not fit together. */
export function apart(head: number, end: number, units: number): LayoutError {
  return damaged(`it goes from unit ${head} to ${end}, and has ${units} units`);
}

export function damaged(how: string): LayoutError {
  return new LayoutError(`ring: refused, ${how}; its memory is damaged, make the queue or pipe again`);
}
