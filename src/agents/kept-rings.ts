/**
 * Kept rings: the objects that items in a namespace's queues and pipes name, for agents that end
 * objects (kept.ts).
 */

import { load } from '#atomics';
import type { Rings } from '../memory/arena.ts';
import {
  CELL_GENERATION,
  CELL_HEADER,
  HAS_RING_BIT,
  kindOf,
  PHASE_ENDING,
  PHASE_LIVE,
  phaseOf,
} from '../memory/layout.ts';
import type { Named, Place } from '../memory/place.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import type { RingOfKind } from './kinds.ts';
import { kindNumbered } from './kinds.ts';

/** The rings of a namespace, for agents that end objects in it. */
export class KeptRings implements Rings {
  private readonly namespace: Namespace;
  /** Cells that were named at some time, and those that were left alone because of that. */
  private remembered: { names: ReadonlySet<string>; left: Named[] } | undefined;

  constructor(namespace: Namespace) {
    this.namespace = namespace;
  }

  empty(place: Place, begin: () => void): Named[] | undefined {
    // Items in a ring of a kind that this program does not know can't be read.
    return ringAt(place)?.empty(this.namespace, place, begin);
  }

  isNamed(named: Named): boolean {
    const { remembered } = this;
    if (remembered?.names.has(keyOf(named))) {
      remembered.left.push(named);
      return true;
    }
    for (const names of this.all()) {
      // Keep the object: that is safer than losing it.
      if (names === undefined) return true;
      for (const each of names) if (keyOf(each) === keyOf(named)) return true;
    }
    return false;
  }

  /**
   * Runs `act`, which as `slot` clears the open bits of many cells. Reads the rings at least
   * twice, instead of once for each cell. A cell that is named at the beginning is left alone, and
   * looked at again when all bits are cleared.
   *
   * Race: the reaper of A has read that X is named; T takes X, dies, and its bit is cleared, while
   * A's is not yet. If the reaper of A believed what it has read, X would stay. A cell that is
   * named after A's bit is gone is left to the taker of that item, which finds no bit but its own.
   */
  remembering(slot: number, act: () => void): void {
    const left: Named[] = [];
    // Read all rings once, for all cells that `act` ends.
    this.remembered = { names: this.read(), left };
    try {
      act();
    } finally {
      this.remembered = undefined;
    }
    if (left.length === 0) return;
    // Read them again: an item may have been put before the last bit was cleared.
    const still = this.read();
    const { arena } = this.namespace;
    for (const named of left) if (!still.has(keyOf(named))) arena.settle(arena.place(named.number), slot);
  }

  private read(): Set<string> {
    const keys = new Set<string>();
    for (const names of this.all()) for (const named of names ?? []) keys.add(keyOf(named));
    return keys;
  }

  private *all(): Iterable<Named[] | undefined> {
    const { arena } = this.namespace;
    for (let number = 1, last = arena.bump; number <= last; number++) {
      const place = arena.place(number);
      const { words, at } = place;
      const generation = load(words, at + CELL_GENERATION);
      const header = load(words, at + CELL_HEADER);
      const phase = phaseOf(header);
      if ((header & HAS_RING_BIT) === 0 || (phase !== PHASE_LIVE && phase !== PHASE_ENDING)) continue;
      const names = ringAt(place)?.names(this.namespace, place);
      // If the ring itself has ended in the meantime, the agent that ended it lowers the counts.
      const there =
        load(words, at + CELL_GENERATION) === generation &&
        phaseOf(load(words, at + CELL_HEADER)) >= PHASE_LIVE;
      if (there) yield names;
    }
  }
}

function keyOf({ number, generation }: Named): string {
  return `${number} ${generation}`;
}

function ringAt({ words, at }: Place): RingOfKind | undefined {
  return kindNumbered(kindOf(load(words, at + CELL_HEADER)))?.ring;
}
