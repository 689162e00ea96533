/** RoundWaits: the ways in which a party waits at a barrier (raw-barrier.ts). */

import { load } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import type { Origin } from '../../stacks.ts';
import { StateWait } from '../../waiting/state-wait.ts';
import { generationOf } from './barrier-facts.ts';
import { breakNext, breakRound, isBroken, isRefusing, wasBroken } from './raw-barrier.ts';

/** The wait for the end of a round. */
export class RoundWait extends StateWait {
  /** Whether the round ended broken; known once `attempt` has returned `true`. */
  broken = false;
  origin: Origin | undefined = undefined;
  protected readonly generation: number;

  constructor(cell: Cell, generation: number) {
    super(cell);
    this.generation = generation;
  }

  override peek(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    return generationOf(state) !== this.generation || isBroken(state);
  }

  override attempt(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    if (generationOf(state) === this.generation) {
      this.broken = isBroken(state);
      return this.broken;
    }
    this.broken = wasBroken(this.cell, state, this.generation);
    return true;
  }
}

/** The wait of a party that has come while the action runs, for the next round to begin. */
export class EarlyWait extends RoundWait {
  override peek(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    return generationOf(state) !== this.generation || isRefusing(state);
  }

  override attempt(): boolean {
    return this.peek();
  }

  /** It gives up the round for which it came. */
  resign(): void {
    breakNext(this.cell, this.generation);
  }
}

/** The wait of a party that sits in the round. */
export class SeatedWait extends RoundWait {
  /**
   * Called while the entry still records the seat. Otherwise a party that dies in between would
   * leave a seat without a party.
   */
  resign(): void {
    breakRound(this.cell, this.generation);
  }
}
