/** Messages: the items of a pool's rings. Arrays, as the codec writes those fastest. */

import { NoSpaceError } from '../errors.ts';

import type { SealedPayload } from './sealed.ts';

/**
 * Bytes of a ring; an item up to a quarter of that goes through it in place. Memory is taken only
 * as it is used.
 */
export const RING_BYTES: number = 8 * 1024 * 1024;

/** The format of a task's payload. */
export const MODE = {
  /** Arguments of one call. */
  CALL: 0,
  /** Items, each the only argument of a call. */
  ITEMS: 1,
  /** Items, each the arguments of a call. */
  TUPLES: 2,
  /** Two numbers: the items are the whole numbers from the first on. */
  RANGE: 3,
  /** Added: arguments that were encoded before (`Sealed`). */
  SEALED: 8,
  /** Added: the results of the calls are not wanted. */
  QUIET: 16,
  /** Added: results within the chunk ring no bell, as nobody waits for them before its end. */
  LATE: 32,
  /** Added: the function gives an iterator, whose values are wanted one by one. */
  STREAM: 64,
  /** Added: the arguments are fetched (transfers.ts). */
  MOVED: 128,
  /** Added: the context of the call, and the number of the function that restores it, follow. */
  CONTEXT: 256,
} as const;

/** Bits of the kind of payload. */
export const MODE_MASK = 7;

/** Ticket, function (its number, or its reference as JSON), mode, payload; context. */
export type TaskMessage = [
  ticket: number,
  fn: number | string,
  mode: number,
  payload: unknown,
  context?: SealedPayload,
  restore?: number | string,
];

export const REPLY = {
  /** ticket, value, microseconds, whether the value is in the port (transfers.ts) */
  RETURNED: 0,
  /** ticket, error, microseconds */
  THREW: 1,
  /**
   * Results of items: ticket, index of the first, values, microseconds, whether the chunk is over
   */
  ITEMS: 2,
  /** An item failed: ticket, its index, error */
  ITEM_THREW: 3,
  /** The worker can take tasks: nothing */
  READY: 4,
  /** The initializer has failed: error */
  BROKEN: 5,
  /** The worker takes no more tasks, and is about to end: why */
  RETIRING: 6,
  /** The report of a task: ticket, value */
  REPORT: 7,
  /** A value of a stream: ticket, value */
  VALUE: 8,
  /** The arguments of a task shall move to its worker: ticket */
  FETCH: 9,
  /** A task was taken that could not be read: error */
  UNREADABLE: 10,
  /** The worker's process is about to end by an uncaught error: error */
  UNCAUGHT: 11,
} as const;

/** The error for a value that shared memory has no room for; `what` begins the message. */
export function noRoom(cause: NoSpaceError, what: string): NoSpaceError {
  return new NoSpaceError(`${what} can't be sent: ${cause.message}`, { cause });
}

export type Reply = [kind: number, ...rest: unknown[]];
