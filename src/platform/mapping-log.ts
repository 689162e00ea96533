/**
 * Mapping log: the mappings of a thread, for its parent to unmap.
 *
 * A thread can't unmap its memory itself, because its last exit listeners may still use it. When it
 * is terminated, none of its code runs. Its mappings would stay with the process. So the thread
 * notes them, and the parent unmaps them when the thread is gone.
 */

import { platform } from './current.ts';
import type { Mapping } from './platform.ts';

/**
 * Mappings that fit: a thread has one or a few for each namespace that it takes part in, and one
 * for each large object.
 */
const CAPACITY = 1024;
const COUNT = 0;
const FIRST = 1;
const NUMBERS_EACH = 2;

/** Shared between a thread and its parent: the count, then address and size of each mapping. */
export type MappingLog = Float64Array<SharedArrayBuffer>;

let log: MappingLog | undefined;

export function newMappingLog(): MappingLog {
  const numbers = FIRST + CAPACITY * NUMBERS_EACH;
  return new Float64Array(new SharedArrayBuffer(numbers * Float64Array.BYTES_PER_ELEMENT));
}

/** Begins the log of this thread. Call it before the thread maps anything. */
export function keepMappingLog(given: MappingLog): void {
  log = given;
}

/** Notes a mapping of this thread. */
export function noteMapping({ address, buffer }: Mapping): void {
  if (log === undefined) return;
  const count = log[COUNT]!;
  if (count === CAPACITY) return;
  log[FIRST + count * NUMBERS_EACH] = address;
  log[FIRST + count * NUMBERS_EACH + 1] = buffer.byteLength;
  log[COUNT] = count + 1;
}

/** Strikes out a mapping that this thread has given back itself. */
export function forgetMapping(address: number): void {
  if (log === undefined) return;
  const count = log[COUNT]!;
  for (let index = 0; index < count; index++) {
    const at = FIRST + index * NUMBERS_EACH;
    if (log[at] !== address) continue;
    const last = FIRST + (count - 1) * NUMBERS_EACH;
    log.copyWithin(at, last, last + NUMBERS_EACH);
    log[COUNT] = count - 1;
    return;
  }
}

/** Unmaps the mappings that a thread has noted. Call it after the thread has ended. */
export function unmapLogged(given: MappingLog): void {
  for (let index = 0; index < given[COUNT]!; index++) {
    const at = FIRST + index * NUMBERS_EACH;
    platform.unmap(given[at]!, given[at + 1]!);
  }
  given[COUNT] = 0;
}
