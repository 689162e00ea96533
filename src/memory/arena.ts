/**
 * Arena: the cells of a namespace, handed out, opened, closed and used again.
 *
 *   word        bits                                    written by
 *   HEADER      7…0 slot | 16…8 kind | 18…17 phase      CAS: FREE→CLAIMED→LIVE⇄ENDING→CLAIMED→FREE
 *               30…19 kept                              CAS, by putters and takers
 *   GENERATION  counter                                 the creating agent
 *   OPEN        a bit per agent, 8 words                that agent, its reaper; bit 0 (PIN): `pin`
 *
 * A cell lives as long as an agent has its bit in OPEN, or an item in a queue or pipe names it
 * (KEPT, see kept-counts.ts). An agent that clears a bit checks whether it was the last (`settle`).
 * The header goes LIVE→ENDING by CAS, and OPEN is read once more. Only when it is still empty, a
 * second CAS claims the cell, to free it.
 *
 * Race: A closes (clears its bit, sees OPEN empty) while B opens by a handle (sets its bit, then
 * reads the header).
 *   A1 header LIVE→ENDING · A2 OPEN is empty · B1 sets its bit · A3 ENDING→CLAIMED
 *   B2 reads the header. Before A3, B finds ENDING and makes it LIVE again by CAS: then A3 fails,
 *   and A finds B's bit. After A3, B finds the cell gone, and clears its bit. If B1 comes before
 *   A2, A itself goes back to LIVE. Whichever CAS is first decides: the header is the one word.
 *   Tests: tests/model/scenarios/arena.ts.
 *
 * The header of a CLAIMED or ENDING cell names the slot of its agent. If that agent dies, the
 * reaper finds the slot there and finishes the work. A handle may be older than the object in the
 * cell. Its opener then sets and clears a bit of a cell that is not its object's, or even FREE. So
 * agents only ever change single bits of OPEN.
 *
 * Words may be damaged (docs/internals/trust.md): each number is checked against its bounds, and
 * each chain is followed for its greatest possible length only. For a wrong number `place` throws
 * `LayoutError`. `find` returns `undefined`: it is for hints, and for the reaper, which has to
 * continue.
 */

import { add, cas, clearBits, load, setBits, store } from '#atomics';
import type { SegmentSource } from './cell-table.ts';
import { KeptCounts } from './kept-counts.ts';
import {
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  FIRST_LINK,
  HAS_CHAIN_BIT,
  HAS_DATA_BIT,
  HAS_RING_BIT,
  header,
  KEPT_DOUBT_WORD,
  KEPT_MASK,
  KIND,
  KIND_SHIFT,
  keptOf,
  kindBitsOf,
  kindOf,
  LINK_NEXT,
  LINK_OWNER,
  LIVE_WORD,
  MOST_EXTRA_WORDS,
  OPEN_WORDS,
  PHASE_CLAIMED,
  PHASE_ENDING,
  PHASE_LIVE,
  PIN_BIT,
  phaseOf,
  slotOf,
  WORDS_PER_LINK,
} from './layout.ts';
import type { Named, Place } from './place.ts';
import type { Segment } from './segment.ts';

/** Removes the file of data that belongs to the object of that generation in the cell. */
export type DataRemover = (cell: number, generation: number) => void;

/** The questions that the arena asks about the contents of rings. */
export interface Rings {
  /**
   * Takes all items out of the ring of an object that is being freed. Returns the objects that they
   * named, or `undefined` if those can't be read. `begin` is called before the first is taken.
   */
  empty(place: Place, begin: () => void): Named[] | undefined;
  /** Whether an item in any ring certainly or possibly names the object. */
  isNamed(named: Named): boolean;
  /**
   * Runs `act`, which as `slot` clears the open bits of many cells, and reads the rings twice
   * instead of once for each.
   */
  remembering(slot: number, act: () => void): void;
}

const GENERATION_MASK = 0x7fffffff;
/** Links of the longest chain. */
const LONGEST_CHAIN: number = MOST_EXTRA_WORDS / WORDS_PER_LINK;
const LINK_BITS: number = KIND.LINK << KIND_SHIFT;

export class Arena extends KeptCounts {
  private readonly removeData: DataRemover;
  private readonly rings: Rings;
  /** Cells that were named by items of rings which have ended. */
  private readonly unkept: Named[] = [];
  private dropping = false;
  private dropped = false;

  constructor(control: Segment, source: SegmentSource, removeData: DataRemover, rings: Rings, title: string) {
    super(control, source, title);
    this.removeData = removeData;
    this.rings = rings;
  }

  /**
   * Claims a free cell for `slot`, its body zeroed, for an object of which the header will say
   * `kindBits`. It is CLAIMED until `publish`. Throws when memory is full.
   */
  claim(kindBits: number, slot: number): Place {
    for (;;) {
      const number = this.probablyFree();
      const place = this.place(number);
      const claimed = header(PHASE_CLAIMED, kindBits, slot);
      if (cas(place.words, place.at + CELL_HEADER, 0, claimed) !== 0) continue;
      const { words, at } = place;
      store(words, at + CELL_GENERATION, (load(words, at + CELL_GENERATION) + 1) & GENERATION_MASK);
      for (let word = CELL_BODY; word < CELL_WORDS; word++) store(words, at + word, 0);
      add(this.control.words, LIVE_WORD, 1);
      return place;
    }
  }

  /** Makes the claimed cell LIVE and open for `slot`. Returns its generation. */
  publish({ words, at }: Place, slot: number): number {
    setBits(words, at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    store(words, at + CELL_HEADER, header(PHASE_LIVE, kindBitsOf(load(words, at + CELL_HEADER)), 0));
    return load(words, at + CELL_GENERATION);
  }

  /** Opens the cell for `slot` if it still is the object of that kind and generation. */
  open(place: Place, kind: number, generation: number, slot: number): boolean {
    const { words, at } = place;
    setBits(words, at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    for (;;) {
      // OBSERVE header -> open bit
      const found = load(words, at + CELL_HEADER);
      const phase = phaseOf(found);
      if (kindOf(found) !== kind) break;
      if (phase === PHASE_LIVE && load(words, at + CELL_GENERATION) === generation) return true;
      if (phase !== PHASE_ENDING) break;
      cas(words, at + CELL_HEADER, found, header(PHASE_LIVE, kindBitsOf(found), 0, keptOf(found)));
    }
    this.close(place, slot);
    return false;
  }

  /**
   * Counts one item less that names the object. Call it after the item was taken. An agent that
   * does not have the object open opens it meanwhile. It frees the object if no other agent has it
   * open and no item names it.
   */
  unkeep({ number, generation }: Named, slot: number): void {
    if (!(number >= 1 && number <= this.bump)) return;
    const place = this.place(number);
    const { words, at } = place;
    const bit = 1 << (slot & 31);
    const had = (setBits(words, at + CELL_OPEN + (slot >> 5), bit) & bit) !== 0;
    if (load(words, at + CELL_GENERATION) === generation) this.count(place, -1);
    if (!had && this.close(place, slot)) this.dropped = true;
  }

  /** Whether objects have ended, since the last call, that only items kept. */
  tookDropped(): boolean {
    const { dropped } = this;
    this.dropped = false;
    return dropped;
  }

  /**
   * Opens the cell for another agent. The caller has the cell open itself, and tells the other
   * agent of it.
   */
  openFor({ words, at }: Place, slot: number): void {
    setBits(words, at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
  }

  /**
   * Clears `slot`'s bit, and frees the cell if that was the last. Returns whether it is free now.
   */
  close(place: Place, slot: number): boolean {
    clearBits(place.words, place.at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    return this.settle(place, slot);
  }

  /**
   * Keeps the object alive while no agent has it open. Call it only when a name leads to the
   * object: otherwise the object is never freed.
   */
  pin({ words, at }: Place): void {
    setBits(words, at + CELL_OPEN, PIN_BIT);
  }

  /** Undoes `pin`, and frees the cell if nobody has it open. Returns whether it is free now. */
  unpin(place: Place, slot: number): boolean {
    clearBits(place.words, place.at + CELL_OPEN, PIN_BIT);
    return this.settle(place, slot);
  }

  /** Frees a LIVE cell that nobody has open and no item names. Returns whether it did. */
  settle(place: Place, slot: number): boolean {
    const { words, at } = place;
    while (this.unopened(place)) {
      const live = load(words, at + CELL_HEADER);
      if (phaseOf(live) !== PHASE_LIVE) return false;
      const kind = kindBitsOf(live);
      const kept = keptOf(live);
      if (kept !== 0 && kept !== KEPT_MASK && !this.inDoubt) return false;
      const ending = header(PHASE_ENDING, kind, slot, kept);
      // PUBLISH header -> open bit
      if (cas(words, at + CELL_HEADER, live, ending) !== live) continue;
      if (!this.unopened(place)) {
        cas(words, at + CELL_HEADER, ending, live);
      } else if (kept !== 0 && this.isNamed(place)) {
        cas(words, at + CELL_HEADER, ending, live);
        return false;
      } else if (cas(words, at + CELL_HEADER, ending, header(PHASE_CLAIMED, kind, slot)) === ending) {
        this.free(place, slot);
        return true;
      }
    }
    return false;
  }

  /**
   * Frees a cell that an agent has CLAIMED, with its chain, and the objects that only items in its
   * ring named.
   */
  free(place: Place, slot: number): void {
    const { words, at } = place;
    const claimed = load(words, at + CELL_HEADER);
    let moving = false;
    const begin = (): void => {
      moving = true;
      this.beginMove(slot);
    };
    const named = (claimed & HAS_RING_BIT) !== 0 ? this.rings.empty(place, begin) : [];
    for (const each of named ?? []) this.unkept.push(each);
    if ((claimed & HAS_DATA_BIT) !== 0) {
      this.removeData(place.number, load(words, at + CELL_GENERATION));
      // Its maker may have failed or died in between: the next object in the cell must not inherit
      // the pin.
      clearBits(words, at + CELL_OPEN, PIN_BIT);
    }
    if ((claimed & HAS_CHAIN_BIT) !== 0) this.freeChain(place, slotOf(claimed));
    store(words, at + CELL_HEADER, 0);
    add(this.control.words, LIVE_WORD, -1);
    this.noteFree(place.number);
    if (named === undefined) this.reconsider(slot);
    else this.drop(slot);
    if (moving) this.endMove(slot);
  }

  /** Finishes the creation or end that a dead agent had begun; clears its open bit. */
  recover(place: Place, dead: number, slot: number): void {
    const { words, at } = place;
    const found = load(words, at + CELL_HEADER);
    const owned = slotOf(found) === dead;
    if (owned && phaseOf(found) === PHASE_ENDING)
      cas(words, at + CELL_HEADER, found, header(PHASE_LIVE, kindBitsOf(found), 0, keptOf(found)));
    clearBits(words, at + CELL_OPEN + (dead >> 5), 1 << (dead & 31));
    if (owned && phaseOf(found) === PHASE_CLAIMED) this.free(place, slot);
    else this.settle(place, slot);
  }

  /**
   * Frees objects that only a ring kept. A loop instead of recursion, because such an object may
   * have a ring itself.
   */
  private drop(slot: number): void {
    if (this.dropping || this.unkept.length === 0) return;
    this.dropping = true;
    try {
      for (let named = this.unkept.pop(); named !== undefined; named = this.unkept.pop())
        this.unkeep(named, slot);
    } finally {
      this.dropping = false;
    }
  }

  /**
   * The names in an ended ring are unknown: checks every object that the ring may have counted.
   */
  private reconsider(slot: number): void {
    store(this.control.words, KEPT_DOUBT_WORD, 1);
    this.dropped = true;
    for (let number = 1; number <= this.bump; number++) {
      const place = this.place(number);
      if (keptOf(load(place.words, place.at + CELL_HEADER)) !== 0) this.settle(place, slot);
    }
  }

  private isNamed({ number, words, at }: Place): boolean {
    return this.rings.isNamed({ number, generation: load(words, at + CELL_GENERATION) });
  }

  private unopened({ words, at }: Place): boolean {
    for (let word = 0; word < OPEN_WORDS; word++) if (load(words, at + CELL_OPEN + word) !== 0) return false;
    return true;
  }

  /**
   * Frees from the last to the first, so that an agent that finishes the work of a dead one finds
   * the rest of the chain.
   */
  private freeChain(place: Place, slot: number): void {
    const chain: Place[] = [];
    for (let next = load(place.words, place.at + FIRST_LINK); chain.length < LONGEST_CHAIN; ) {
      const link = this.find(next);
      if (link === undefined) break;
      const { words, at } = link;
      const found = load(words, at + CELL_HEADER);
      // The chain ends at a cell that was already freed, and may have become another object.
      if (found !== header(PHASE_CLAIMED, LINK_BITS, 0) && found !== header(PHASE_CLAIMED, LINK_BITS, slot))
        break;
      if (load(words, at + LINK_OWNER) !== place.number) break;
      chain.push(link);
      next = load(words, at + LINK_NEXT);
    }
    for (const { words, at } of chain.reverse()) {
      store(words, at + CELL_HEADER, 0);
      add(this.control.words, LIVE_WORD, -1);
    }
  }
}
