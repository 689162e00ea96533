/** Options of map and its kin. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { checkKnown } from '../options.ts';
import { checkTaskOptions, checkWhole } from './pool-options.ts';
import { MOST_ITEMS } from './task-table.ts';

/** The progress of a map. */
export interface Progress {
  /** Items that have ended, including failed ones. */
  done: number;
  /** All items; `undefined` if the source does not give their number. */
  total: number | undefined;
  failed: number;
  /** Items per second. */
  rate: number;
  /** Milliseconds since the beginning, and an estimate until the end. */
  elapsed: number;
  remaining: number | undefined;
}

/** Options of a map. Times in milliseconds. */
export interface MapOptions {
  /**
   * Gives the map up: waiting items are withdrawn, running ones are asked to stop, and killed after
   * `grace`.
   */
  signal?: AbortSignal | undefined;
  /** Longest time for all items together. */
  timeout?: number | undefined;
  /** How often an item may run again when its worker died. */
  retries?: number | undefined;
  /** Higher goes first; default 0. */
  priority?: number | undefined;
  /**
   * Items that go to a worker at a time. Default: as many as take some milliseconds; split while
   * they run.
   */
  chunkSize?: number | undefined;
  /**
   * After the first error no further item begins. Default: all items run, and then the map
   * rejects.
   */
  stopOnError?: boolean | undefined;
  /** Resolves to `PromiseSettledResult`s, and does not reject for an item's error. */
  settled?: boolean | undefined;
  /** Is called at most ten times a second, and at the end. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Draws a bar on standard error, where that is a terminal. */
  progress?: boolean | { label?: string } | undefined;
}

/** Options of an `imap`. */
export interface StreamOptions
  extends Omit<MapOptions, 'stopOnError' | 'settled' | 'progress' | 'onProgress'> {
  /** Maximum number of items between the source and the reader, including unread results. */
  ahead?: number | undefined;
}

/** Throws `InvalidTypeError`, `OutOfRangeError`. */
export function checkMapOptions(title: string, options: MapOptions & StreamOptions, whose: string): void {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(
      `${title}: refused, its options are ${inspect(options)}; pass an object such as { chunkSize: 10 }`,
    );
  }
  checkKnown(title, options, whose);
  const { signal, timeout, retries, priority, chunkSize, ahead, onProgress, progress } = options;
  checkTaskOptions(title, { signal, timeout, retries, priority });
  if (chunkSize !== undefined) checkWhole(title, 'chunkSize', chunkSize, 1, MOST_ITEMS);
  if (ahead !== undefined) checkWhole(title, 'ahead', ahead, 1, 2 ** 31 - 1);
  for (const which of ['stopOnError', 'settled'] as const) {
    const given: unknown = options[which];
    if (given === undefined || typeof given === 'boolean') continue;
    throw new InvalidTypeError(`${title}: refused, ${which} is ${inspect(given)}; pass true or false`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidTypeError(`${title}: refused, onProgress is ${inspect(onProgress)}; pass a function`);
  }
  if (progress !== undefined && typeof progress !== 'boolean' && Object(progress) !== progress) {
    throw new InvalidTypeError(
      `${title}: refused, progress is ${inspect(progress)}; pass true, or { label: 'Rows' }`,
    );
  }
}
