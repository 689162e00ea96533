/** An action that begins, and ends only when it is let, and targets that meet where it runs. */

import type { Barrier, Event } from 'lockstep';

let begun: Event | undefined;
let go: Event | undefined;

export function waitsInside(): void {
  begun?.set();
  go?.waitSync();
}

/** Meets there, and says when it runs the action, which ends when `may` is set. */
export function meetsAndRuns(barrier: Barrier, says: Event, may: Event): number {
  begun = says;
  go = may;
  return barrier.waitSync();
}

/** Meets there; returns its place, or the code and the cause of the error. */
export async function meetsThere(barrier: Barrier, blocking: boolean): Promise<number | string> {
  try {
    return blocking ? barrier.waitSync() : await barrier.wait();
  } catch (error) {
    const { code, cause } = error as Error & { code: string };
    return `${code} ${String(cause)}`;
  }
}
