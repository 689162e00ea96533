/**
 * The program of a competitor: takes, works, gives back and works outside, until all together have
 * had enough.
 */

import type { Barrier, Hold, WaitOptions } from 'lockstep';
import type { Style } from '../support/backends/backend.ts';
import type { Word } from './members.ts';

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
  /** The total that is enough. */
  enough: number;
  /** Microseconds of work inside, and as many outside. */
  work: number;
}

/** Target: competes as number `me`. */
export async function competes(
  object: Acquirable,
  contest: Contest,
  me: number,
  style: Style,
): Promise<void> {
  const { gate, begun, total, shares, enough, work } = contest;
  const share = shares[me] as Word;
  if (style === 'blocking') gate.waitSync();
  else await gate.wait();
  for (let first = true; total.value < enough; first = false) {
    const hold = style === 'blocking' ? object.acquireSync() : await object.acquire();
    if (first) begun.add(1);
    // The others do not yet compete: the machine may be slow to let them run.
    if (begun.value === shares.length && total.add(1) < enough) share.add(1);
    works(work);
    hold?.release();
    works(work);
  }
}

function works(microseconds: number): void {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}
