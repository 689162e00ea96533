/**
 * Spinning: polls of an object for a few microseconds, before a thread sleeps or a call queues.
 *
 * A sleep and its wake-up cost some 20 us, and an object that is held on another core is often free
 * again after one. The number of polls adapts to what has helped before. On a single core nobody
 * spins, because the holder can't be running.
 */

import { MOST_SPINS } from '#park';
import type { Cell } from '../agents/cell.ts';
import type { Wait } from '../agents/wait.ts';

/** Number of polls after earlier polls were in vain. */
const LEAST_SPINS = 20;
/** Every so many waits the thread polls for longer, to notice when polling helps again. */
const PROBE_EVERY = 32;
/**
 * Polls of such a probe, and of the first waits: some 10 us, ten times what two spinning partners
 * need.
 */
const PROBE_SPINS = 1000;

/** Loop iterations of the longest pause between two polls, and the most pauses of one spin. */
export const LONGEST_PAUSE = 8000;
const MOST_PAUSES = 6;

/** Keeps the compiler from leaving `idle` out. */
let idled = 0;

/**
 * Polls the object for a bounded time, in case its holder runs on another core and is about to
 * release it. Returns whether `peek` found it free. The bound adapts: twice the polls that helped,
 * half of it after polls in vain; 0 on a single core.
 */
export function spin(cell: Cell, wait: Wait): boolean {
  if (wait.backsOff) return MOST_SPINS > 0 && spinApart(cell, wait, wait.backsOff);
  // Poll for as long as it helped before; every so often probe for longer.
  const limit = Math.min(
    MOST_SPINS,
    cell.vainSpins % PROBE_EVERY === 0 ? Math.max(PROBE_SPINS, cell.spins) : cell.spins,
  );
  for (let looks = 0; looks < limit; looks++) {
    if (!wait.peek()) continue;
    // Success: allow twice as many polls as it took.
    cell.spins = Math.max(looks * 2 + LEAST_SPINS, cell.spins - (cell.spins >> 3));
    cell.vainSpins = 0;
    return true;
  }
  // Failure: poll half as long next time.
  cell.spins = Math.max(LEAST_SPINS, cell.spins >> 1);
  cell.vainSpins++;
  return false;
}

/**
 * The same for objects that are held only briefly, in turns: polls with exponentially growing
 * pauses, because each poll steals the cache line from the holder. Between polls, the holder takes
 * and releases the object many times at full speed.
 */
function spinApart(cell: Cell, wait: Wait, first: number): boolean {
  let pause = first;
  // The shift repeats after 32, so now and then the thread polls for longer again.
  for (let looks = Math.max(1, MOST_PAUSES >> cell.vainSpins); looks > 0; looks--) {
    idle(pause);
    if (wait.peek()) {
      cell.vainSpins = 0;
      return true;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
  cell.vainSpins++;
  return false;
}

/** Spends about `steps` nanoseconds without touching shared memory. */
export function idle(steps: number): void {
  for (let step = 0; step < steps; step++) idled = (idled + step) | 0;
}
