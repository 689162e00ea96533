/**
 * Kept counts: how many items in queues and pipes name an object, which keeps it alive.
 *
 * KEPT counts the items that name the object. Putters raise it before they put an item, takers
 * lower it after they took one, each with the object open. So it is never too low, and it is exact
 * while no agent has the object open. An agent may die between the two: then its reaper sets DOUBT.
 * From then on, an agent that ends a cell with a count reads the rings, to see whether an item does
 * name it (`isNamed`). It does so while the header is ENDING. An agent that opens the object
 * meanwhile makes it LIVE, and the second CAS fails.
 *
 * Race: A, the last agent with X open, leaves; T takes the item that names X.
 *   A1 clears its bit · A2 reads KEPT
 *   T1 sets its bit · T2 takes · T3 lowers KEPT · T4 clears its bit · T5 reads KEPT and OPEN
 *
 *   If A2 is before T3, A leaves X to T: its bit was gone before T5, which frees X. If A2 is after
 *   T3, A finds T's bit, or after T4 frees X as T would. Both may try: the header decides.
 *   Tests: tests/model/scenarios/kept.ts.
 */

import { cas, load, store } from '#atomics';
import { CellTable } from './cell-table.ts';
import {
  AGENT_MOVING,
  agentWord,
  CELL_HEADER,
  header,
  KEPT_DOUBT_WORD,
  KEPT_MASK,
  keptOf,
  kindBitsOf,
  PHASE_ENDING,
  PHASE_LIVE,
  phaseOf,
} from './layout.ts';
import type { Place } from './place.ts';

export abstract class KeptCounts extends CellTable {
  /** Number of moves that were begun and not ended. */
  private moves = 0;

  /**
   * Counts one more item that names the object, which the caller has open. Call it before the item
   * is put.
   */
  keep(place: Place): void {
    this.count(place, 1);
  }

  /**
   * Notes that the agent puts or takes an item that names objects. If it dies before `endMove`,
   * counts may be too high.
   */
  beginMove(slot: number): void {
    if (this.moves++ === 0) store(this.control.words, agentWord(slot) + AGENT_MOVING, 1);
  }

  endMove(slot: number): void {
    if (--this.moves === 0) store(this.control.words, agentWord(slot) + AGENT_MOVING, 0);
  }

  /**
   * Sets DOUBT if the dead agent was moving an item. Call it before the agent's open bits are
   * cleared.
   */
  doubt(dead: number): void {
    const { words } = this.control;
    if (load(words, agentWord(dead) + AGENT_MOVING) === 0) return;
    store(words, KEPT_DOUBT_WORD, 1);
    store(words, agentWord(dead) + AGENT_MOVING, 0);
  }

  /** Whether counts of items may be too high. */
  get inDoubt(): boolean {
    return load(this.control.words, KEPT_DOUBT_WORD) !== 0;
  }

  /** Adds to the count of an object that the caller has open. */
  protected count({ words, at }: Place, by: 1 | -1): void {
    for (;;) {
      const found = load(words, at + CELL_HEADER);
      const phase = phaseOf(found);
      const kept = keptOf(found);
      // A count at its maximum stays there, and the agent that ends the cell looks into the rings.
      if (kept === KEPT_MASK || (phase !== PHASE_LIVE && phase !== PHASE_ENDING)) return;
      if (by < 0 && kept === 0) return;
      // Also while an agent is ending the object: its CAS will fail.
      if (cas(words, at + CELL_HEADER, found, header(PHASE_LIVE, kindBitsOf(found), 0, kept + by)) === found)
        return;
    }
  }
}
