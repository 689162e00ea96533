/**
 * CellReader: reads objects from the words of their cells. Neighbouring objects often have the same
 * state and are open in the same agents. They then share one record of each, so a snapshot of
 * thousands of objects makes little garbage.
 */

import type { Facts } from '../agents/facts.ts';
import type { Words } from '../memory/atomics.ts';
import {
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  HAS_CHAIN_BIT,
  keptOf,
  kindOf,
  OPEN_WORDS,
  PHASE_LIVE,
  phaseOf,
} from '../memory/layout.ts';
import type { NamespaceCopy } from './copy.ts';
import type { KindSeen } from './kinds.ts';
import { KINDS } from './kinds.ts';
import type { ObjectSnapshot } from './types.ts';

export interface CellRead {
  readonly kind: KindSeen;
  readonly hasChain: boolean;
  /** Without names, waiters and parts, which its cell does not have; marked as steady. */
  readonly object: ObjectSnapshot;
}

export class CellReader {
  private readonly copy: NamespaceCopy;
  /** The cell of each kind that was read last; below, the last cell of all. */
  private readonly lastOf = new Map<KindSeen, { words: Words; at: number; facts: Facts }>();
  private lastOpen: { words: Words; at: number; openIn: readonly number[] } | undefined;

  constructor(copy: NamespaceCopy) {
    this.copy = copy;
  }

  /** `undefined` for a cell in which no object lives. */
  read(number: number, words: Words, at: number): CellRead | undefined {
    const header = words[at + CELL_HEADER]!;
    const kind = phaseOf(header) === PHASE_LIVE ? KINDS.get(kindOf(header)) : undefined;
    if (kind === undefined) return undefined;
    const hasChain = (header & HAS_CHAIN_BIT) !== 0;
    // The facts of an object with a chain lie in the cells of the chain, too.
    const facts = hasChain
      ? kind.describe(this.copy, { number, words, at })
      : this.facts(kind, number, words, at);
    const object: ObjectSnapshot = {
      cell: number,
      generation: words[at + CELL_GENERATION]!,
      kind: kind.name,
      name: null,
      label: null,
      title: '',
      part: null,
      openIn: this.openIn(words, at),
      kept: keptOf(header),
      holders: facts.holders,
      endedBy: facts.endedBy,
      over: facts.over ?? null,
      signal: facts.signal ?? null,
      state: facts.state,
      steady: true,
      waiting: 0,
    };
    return { kind, hasChain, object };
  }

  private facts(kind: KindSeen, number: number, words: Words, at: number): Facts {
    const last = this.lastOf.get(kind);
    if (last !== undefined && areSame(last, words, at, CELL_BODY, CELL_WORDS)) return last.facts;
    const facts = kind.describe(this.copy, { number, words, at });
    this.lastOf.set(kind, { words, at, facts });
    return facts;
  }

  private openIn(words: Words, at: number): readonly number[] {
    const last = this.lastOpen;
    if (last !== undefined && areSame(last, words, at, CELL_OPEN, CELL_OPEN + OPEN_WORDS)) return last.openIn;
    const openIn = openSlots(words, at, this.copy.highSlot);
    this.lastOpen = { words, at, openIn };
    return openIn;
  }
}

function areSame(
  last: { words: Words; at: number },
  words: Words,
  at: number,
  from: number,
  to: number,
): boolean {
  for (let word = from; word < to; word++) if (last.words[last.at + word] !== words[at + word]) return false;
  return true;
}

function openSlots(words: Words, at: number, highSlot: number): number[] {
  const slots: number[] = [];
  for (let word = 0; word < OPEN_WORDS; word++) {
    for (let bits = words[at + CELL_OPEN + word]!; bits !== 0; ) {
      const bit = bits & -bits;
      bits ^= bit;
      const slot = word * 32 + 31 - Math.clz32(bit);
      // Slot 0's bit is the pin.
      if (slot > 0 && slot <= highSlot) slots.push(slot);
    }
  }
  return slots;
}
