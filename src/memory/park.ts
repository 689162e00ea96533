/** The one file in which a thread sleeps and is woken: futexes on words of shared memory. */

import { availableParallelism } from 'node:os';
import { setImmediate, setTimeout, now as time } from '#clock';
import { platform } from '../platform/current.ts';
import type { FutexOutcome } from '../platform/platform.ts';
import type { Segment } from './segment.ts';

const BYTES_PER_WORD = 4;

/**
 * The most polls before a thread sleeps: about 30 us, the cost of a sleep and its wake-up. 0 on one
 * processor, where the holder can't be running.
 */
export const MOST_SPINS: number = availableParallelism() > 1 ? 4000 : 0;

/** Sleeps while the word holds `expected`. *Blocks* the thread for at most `milliseconds`. */
export function park(segment: Segment, at: number, expected: number, milliseconds: number): FutexOutcome {
  return platform.futexWait(segment.address + at * BYTES_PER_WORD, expected, milliseconds);
}

/** Wakes the threads that sleep on the word. */
export function unpark(segment: Segment, at: number): void {
  platform.futexWake(segment.address + at * BYTES_PER_WORD, 1);
}

/** The handles that keep this thread's event loop running, by the names that Node has for it. */
export function resourcesInUse(): string[] {
  return process.getActiveResourcesInfo();
}

/** Milliseconds on the clock by which waits are timed. */
export const now: () => number = time;

/** The lag of this thread's clock behind the clock that all processes share. */
let behind: number | undefined;

/**
 * Whole milliseconds on a clock that all processes share, for now or for a time of `now()`.
 */
export function commonTime(time: number = now()): number {
  behind ??= platform.monotonicTime() - now();
  return Math.floor(time + behind);
}

/**
 * Calls `act` once, some milliseconds later, unless the event loop has ended by then: it is not
 * kept running for this.
 */
export function soon(act: () => void, milliseconds: number): void {
  setTimeout(act, milliseconds).unref();
}

/**
 * Calls `act` once, when the event loop has run anything: at the end of this turn, or of that in
 * which it next wakes up for something else. It neither wakes up nor is kept running for this.
 */
export function afterTurn(act: () => void): void {
  setImmediate(act).unref();
}
