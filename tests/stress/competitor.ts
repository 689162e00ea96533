/**
 * The program of a competitor: takes, works, gives back and works outside, until all together have
 * had enough.
 */

import type { Barrier, Hold, WaitOptions } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import { turns } from '../support/turns.ts';
import type { Word } from '../support/words.ts';

interface Acquirable {
  acquire(options?: WaitOptions): Promise<Hold | null>;
  acquireSync(options?: WaitOptions): Hold | null;
}

export interface Contest {
  /** Where all begin together. */
  gate: Barrier;
  /** Those who have had the object once: from when all have, it is counted. */
  begun: Word;
  /** Times that anyone had the object. */
  total: Word;
  /** Times that each competitor had it. */
  shares: Word[];
  /**
   * Times, while it was counted, that the machine kept a competitor from running: in its work, or
   * when its turn came.
   */
  stalls: Word;
  /** The total that is enough. */
  enough: number;
  /** Microseconds of work inside, and as many outside. */
  work: number;
}

/** Milliseconds: several slices of the scheduler. Competitors alone do not keep one off so long. */
const STALLED = 10;

/** Target: competes as number `me`. */
export async function competes(
  object: Acquirable,
  contest: Contest,
  me: number,
  style: Style,
): Promise<void> {
  const { gate, begun, total, shares, stalls, enough, work } = contest;
  const share = shares[me] as Word;
  if (style === 'blocking') gate.waitSync();
  else await gate.wait();
  for (let first = true; total.value < enough; first = false) {
    const hold = style === 'blocking' ? object.acquireSync() : await object.acquire();
    if (first) begun.add(1);
    // The others do not yet compete: the machine may be slow to let them run.
    const counts = begun.value === shares.length && total.add(1) < enough;
    if (counts) share.add(1);
    let isStalled = works(work);
    hold?.release();
    isStalled = works(work) || isStalled || turns.impatient > 0;
    if (counts && isStalled) stalls.add(1);
    turns.impatient = 0;
  }
}

/** Returns whether the machine did not let it run. */
function works(microseconds: number): boolean {
  const begin = performance.now();
  const end = begin + microseconds / 1000;
  let now = begin;
  while (now < end) now = performance.now();
  return now - begin > STALLED;
}
