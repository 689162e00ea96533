/** Options of map and its kin. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { checkKnown } from '../options.ts';
import { checkWhole } from './option-checks.ts';
import { checkTaskOptions } from './task-options.ts';
import { MOST_ITEMS } from './task-table.ts';

/** The progress of a map. */
export interface Progress {
  /** Items that have ended, including those that failed. */
  done: number;
  /** The number of all items; `undefined` if the source does not say how many it has. */
  total: number | undefined;
  failed: number;
  /** Items per second. */
  rate: number;
  /** Milliseconds since the start; `remaining`: an estimate of those until the end. */
  elapsed: number;
  remaining: number | undefined;
}

/** Options of a map. Times are in milliseconds. */
export interface MapOptions {
  /**
   * Cancels the map: waiting items never run; running items are asked to stop, and after `grace`
   * their workers are killed.
   */
  signal?: AbortSignal | undefined;
  /** Longest time for all items together. */
  timeout?: number | undefined;
  /** How often an item may run again when its worker died. */
  retries?: number | undefined;
  /** Higher goes first; default 0. */
  priority?: number | undefined;
  /**
   * How many items go to a worker at a time. By default chunks take some milliseconds, and are
   * split while they run.
   */
  chunkSize?: number | undefined;
  /**
   * Whether no further item begins after the first error. By default all items run, and then the
   * map rejects.
   */
  stopOnError?: boolean | undefined;
  /** Resolves to the results of `Promise.allSettled`, and does not reject if an item fails. */
  settled?: boolean | undefined;
  /** A function that is called at most ten times a second, and at the end. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Draws a bar on standard error, if that is a terminal. */
  progress?: boolean | { label?: string } | undefined;
}

/** Options of `imap` and `imapUnordered`. Times are in milliseconds. */
export interface StreamOptions
  extends Omit<MapOptions, 'stopOnError' | 'settled' | 'progress' | 'onProgress'> {
  /**
   * How many items may be taken from the source before their results are read. By default as many
   * as keep the workers busy: two chunks for each, up to 4,096 items. If items or results are
   * large, pass a smaller number.
   */
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
  if (options.settled === true && options.stopOnError === true) {
    throw new InvalidTypeError(
      `${title}: refused, settled: true goes on after errors, and stopOnError: true ends at one; pass one of them`,
    );
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
