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
 * (KEPT, see agents/kept.ts). An agent that clears a bit checks whether it was the last (`settle`).
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
 *
 * An agent that dies while it has a cell CLAIMED or ENDING leaves its slot in the header, by which
 * the reaper finishes for it. A handle may be older than the object in the cell. The bit of its
 * opener comes and goes in any cell, even in a FREE one. So OPEN is only changed bit by bit, even
 * in a cell without an object.
 *
 * Words may be damaged (docs/internals/trust.md): each number is checked against its bounds, and
 * each chain is followed for its greatest possible length only. For a wrong number `place` throws
 * `LayoutError`. `find` returns `undefined`: it is for hints, and for the reaper, which has to
 * continue.
 */

import { add, cas, clearBits, load, setBits, store } from '#atomics';
import { ExhaustedError, LayoutError } from '../errors.ts';
import type { Words } from './atomics.ts';
import { damaged } from './damage.ts';
import {
  AGENT_MOVING,
  agentWord,
  BUMP_WORD,
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  cellsBelow,
  cellWord,
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
  MAX_SEGMENTS,
  MOST_CELLS,
  MOST_EXTRA_WORDS,
  OPEN_WORDS,
  PHASE_CLAIMED,
  PHASE_ENDING,
  PHASE_LIVE,
  PIN_BIT,
  phaseOf,
  SEGMENTS_WORD,
  segmentOf,
  slotOf,
  WORDS_PER_LINK,
} from './layout.ts';
import type { Segment } from './segment.ts';

/** Where a cell is: its number, and its first word in the segment that holds it. */
export interface Place {
  readonly number: number;
  readonly words: Words;
  readonly at: number;
}

/** Gives segment `index`, mapped; makes its file when `create` is set. */
export type SegmentSource = (index: number, create: boolean) => Segment;

/** Removes the file of data that belongs to the object of that generation in the cell. */
export type DataRemover = (cell: number, generation: number) => void;

/** An object as an item names it. */
export interface Named {
  readonly number: number;
  readonly generation: number;
}

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
/** How many freed cells a search remembers. */
const SEARCH_LIMIT = 4096;
/** Links of the longest chain. */
const LONGEST_CHAIN: number = MOST_EXTRA_WORDS / WORDS_PER_LINK;
const LINK_BITS: number = KIND.LINK << KIND_SHIFT;

export class Arena {
  readonly control: Segment;
  private readonly segments: Segment[];
  private readonly source: SegmentSource;
  private readonly removeData: DataRemover;
  /** The beginning of messages about it. */
  private readonly title: string;
  /** Cells that were free when last seen: hints, each is claimed by CAS. */
  private readonly hints: number[] = [];
  private readonly rings: Rings;
  /** Cells that were named by items of rings which have ended. */
  private readonly unkept: Named[] = [];
  private dropping = false;
  /** Number of moves that were begun and not ended. */
  private moves = 0;
  private dropped = false;

  constructor(control: Segment, source: SegmentSource, removeData: DataRemover, rings: Rings, title: string) {
    this.title = title;
    this.control = control;
    this.segments = [control];
    this.source = source;
    this.removeData = removeData;
    this.rings = rings;
  }

  /** Number of cells that were ever handed out. Throws `LayoutError`. */
  get bump(): number {
    const bump = load(this.control.words, BUMP_WORD);
    // After BUMP: it is raised beyond a segment only when that has been added.
    const capacity = cellsBelow(this.added + 1);
    if (bump >= 0 && bump <= capacity) return bump;
    throw damaged(
      `${this.title} word ${BUMP_WORD}`,
      `it says that ${bump} cells were handed out, and can say 0 to ${capacity}`,
    );
  }

  /**
   * Cells that may be in use: all allocated cells, or, if that number is lost, all cells that this
   * agent has mapped.
   */
  get reach(): number {
    const bump = load(this.control.words, BUMP_WORD);
    const added = load(this.control.words, SEGMENTS_WORD);
    const sound = added >= 0 && added < MAX_SEGMENTS && bump >= 0 && bump <= cellsBelow(added + 1);
    return sound ? bump : cellsBelow(this.segments.length);
  }

  /** Throws `LayoutError` where there can be no cell of that number. */
  place(number: number): Place {
    if (!isCell(number)) {
      throw damaged(this.title, `a word names cell ${number}, and cells are 1 to ${MOST_CELLS}`);
    }
    return { number, words: this.segment(segmentOf(number)).words, at: cellWord(number) };
  }

  /**
   * The same; `undefined` if the cell does not exist, or its file is gone.
   */
  find(number: number): Place | undefined {
    if (!isCell(number)) return undefined;
    const segment = segmentOf(number);
    if (this.segments[segment] === undefined && number > this.reach) return undefined;
    try {
      return { number, words: this.segment(segment).words, at: cellWord(number) };
    } catch (error) {
      // A caller that needs the cell calls `place`, and gets the error there.
      if (error instanceof LayoutError) return undefined;
      throw error;
    }
  }

  /** The segment of index `index`, mapped on first use. */
  segment(index: number): Segment {
    const known = this.segments[index];
    if (known !== undefined) return known;
    const mapped = this.source(index, false);
    this.segments[index] = mapped;
    return mapped;
  }

  /**
   * Claims a free cell for `slot`, its body zeroed, for an object of which the header will say
   * `kindBits`. It is CLAIMED until `publish`. Throws when memory is full.
   */
  claim(kindBits: number, slot: number): Place {
    for (;;) {
      const number = this.hints.pop() ?? this.fresh();
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
   * Counts one more item that names the object, which the caller has open. To be called before the
   * item is put.
   */
  keep(place: Place): void {
    this.count(place, 1);
  }

  /**
   * Counts one item less that names the object. To be called after the item was taken. An agent
   * that does not have the object open opens it meanwhile, and frees it if nobody else has it open
   * and no item names it.
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
   * Notes for the dead agent that counts may be too high, if so. To be called before its open bits
   * are cleared.
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

  /** Whether objects have ended, since the last call, that only items kept. */
  tookDropped(): boolean {
    const { dropped } = this;
    this.dropped = false;
    return dropped;
  }

  /**
   * Opens the cell for another agent. The caller has it open itself, and makes sure that the other
   * agent learns of it.
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
   * Keeps the object alive while nobody has it open. To be called when a name leads to it, or it
   * would never be freed.
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
    if (this.hints.length < SEARCH_LIMIT) this.hints.push(place.number);
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
   * The names in an ended ring are unknown: looks at every object that may be counted for it.
   */
  private reconsider(slot: number): void {
    store(this.control.words, KEPT_DOUBT_WORD, 1);
    this.dropped = true;
    for (let number = 1; number <= this.bump; number++) {
      const place = this.place(number);
      if (keptOf(load(place.words, place.at + CELL_HEADER)) !== 0) this.settle(place, slot);
    }
  }

  /** Adds to the count of an object that the caller has open. */
  private count({ words, at }: Place, by: 1 | -1): void {
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

  /** A cell never handed out before, or, when many lie free, one of those. */
  private fresh(): number {
    const { words } = this.control;
    for (;;) {
      const { bump } = this;
      const capacity = cellsBelow(this.added + 1);
      if (bump < capacity) {
        if (cas(words, BUMP_WORD, bump, bump + 1) === bump) return bump + 1;
        continue;
      }
      if (load(words, LIVE_WORD) * 4 < bump * 3 && this.search(bump)) return this.hints.pop()!;
      const next = this.added + 1;
      if (next >= MAX_SEGMENTS) {
        if (this.search(bump)) return this.hints.pop()!;
        throw exhausted(bump);
      }
      // The previous segment must exist, even if the words are damaged: each segment is twice as
      // large.
      this.segment(next - 1);
      if (this.segments[next] === undefined) this.segments[next] = this.source(next, true);
      cas(words, SEGMENTS_WORD, next - 1, next);
    }
  }

  /** Number of segments besides the control segment. Throws `LayoutError`. */
  private get added(): number {
    const added = load(this.control.words, SEGMENTS_WORD);
    if (added >= 0 && added < MAX_SEGMENTS) return added;
    throw damaged(
      `${this.title} word ${SEGMENTS_WORD}`,
      `it says that there are ${added} further segments, and can say 0 to ${MAX_SEGMENTS - 1}`,
    );
  }

  private search(bump: number): boolean {
    for (let number = 1; number <= bump && this.hints.length < SEARCH_LIMIT; number++) {
      const { words, at } = this.place(number);
      if (load(words, at + CELL_HEADER) === 0) this.hints.push(number);
    }
    return this.hints.length > 0;
  }
}

function isCell(number: number): boolean {
  return number >= 1 && number <= MOST_CELLS;
}

function exhausted(cells: number): ExhaustedError {
  return new ExhaustedError(
    `shared memory: refused, all ${cells} cells of the namespace are in use; close objects that are done with, or use several namespaces`,
  );
}
