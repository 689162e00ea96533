/**
 * Gate: the waiting place of takers that found no item, and of putters that found no room.
 *
 *   word  name     bits                        written by
 *   +0    STATE    30 WAITERS | 29 CLOSED      waiters, and who wakes them
 *   +1    TICKETS  counter: order of arrival     waiters
 *
 * The items or the room are in the ring; the gate only records that there are waiters.
 *
 *   wait      fill the entry, set WAITERS                      // PUBLISH WAITERS -> ring
 *             then look at the ring once more
 *   announce  after the ring was changed, and a compare-and-swap     // OBSERVE WAITERS -> ring
 *             if WAITERS is set: clear it and wake the oldest
 *   through   a call that has got an item, or gives up, may have had the wake-up of all. With its
 *   entry empty it sets WAITERS, and wakes the next waiter if there is more
 *
 * Race: W1 and W2 wait, W1 is awake. P puts (P1), W1 takes the item (W1a), P clears WAITERS and
 * wakes the oldest, which is W1 (P2): no wake-up is pending for W2, and WAITERS is clear. W1
 * empties its entry, and only then sets WAITERS (W1b): the next announcement finds the mark. An
 * item that came between P2 and W1b was announced without one: W1 looks at the ring after W1b, and
 * wakes the oldest if something is there.
 */

import { clearBits, load, loadAcquire, loadPlain, setBits } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { wakeAll, wakeOldest } from '../../agents/waiters.ts';
import { LayoutError } from '../../errors.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import { WAITERS_BIT } from '../../sync/lock/lock-words.ts';
import type { Taking } from '../../waiting/taking.ts';
import { CLOSED_BIT } from './channel-facts.ts';

export class Gate {
  readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /**
   * An item or room has come: wakes the first waiter. Call after an atomic operation that follows,
   * or is, the change of the ring.
   */
  announce(): void {
    const { words, at, agent } = this.cell;
    // OBSERVE WAITERS -> ring
    if ((loadAcquire(words, at + CELL_STATE) & WAITERS_BIT) === 0) return;
    clearBits(words, at + CELL_STATE, WAITERS_BIT);
    wakeOldest(agent, this.cell);
  }

  /** Marks that there is a waiter: the next announcement wakes the oldest. */
  mark(): void {
    setBits(this.cell.words, this.cell.at + CELL_STATE, WAITERS_BIT);
  }

  /** Wakes all waiters. */
  announceAll(): void {
    wakeAll(this.cell.agent, this.cell);
  }

  get closed(): boolean {
    return (load(this.cell.words, this.cell.at + CELL_STATE) & CLOSED_BIT) !== 0;
  }

  /** The same, for the holder of the lock that is needed to close it. */
  get isClosedWithLock(): boolean {
    return (loadPlain(this.cell.words, this.cell.at + CELL_STATE) & CLOSED_BIT) !== 0;
  }

  /** Closes the gate for good; returns whether it was open. */
  close(): boolean {
    return (setBits(this.cell.words, this.cell.at + CELL_STATE, CLOSED_BIT) & CLOSED_BIT) === 0;
  }

  /**
   * A wait for what `act` does: it returns whether it has done it, which it can when `ready` says
   * so. `backsOff`: steps for which it is left alone (see `spin`).
   */
  waitFor(act: () => boolean, ready: () => boolean, backsOff = 0): Taking {
    const { cell } = this;
    // A ring that can't be looked at, as it is damaged, is worth an attempt: the call that makes
    // it reports the damage.
    const worthwhile = (): boolean => {
      try {
        return ready();
      } catch (error) {
        if (error instanceof LayoutError) return true;
        throw error;
      }
    };
    const passOn = (): void => {
      setBits(cell.words, cell.at + CELL_STATE, WAITERS_BIT);
      if (worthwhile()) wakeOldest(cell.agent, cell);
    };
    return {
      backsOff,
      origin: undefined,
      tryTake: act,
      peek: worthwhile,
      attempt: () => {
        for (;;) {
          if (act()) return true;
          setBits(cell.words, cell.at + CELL_STATE, WAITERS_BIT);
          // PUBLISH WAITERS -> ring
          if (!worthwhile()) return false;
        }
      },
      abandon: passOn,
      taken: passOn,
      suspect: () => 0,
    };
  }
}
