/**
 * Arena: the cells of a namespace, handed out, opened, closed and used again.
 *
 *   word        bits                                    written by
 *   HEADER      7…0 slot | 12…8 kind | 14…13 phase      CAS: FREE→CLAIMED→LIVE⇄ENDING→CLAIMED→FREE
 *   GENERATION  counter                                 the creating agent
 *   OPEN        a bit per agent, 8 words                that agent; the reaper for a dead one; bit 0 (PIN): see `pin`
 *
 * A cell lives as long as an agent has its bit in OPEN. Whoever clears a bit looks whether it was the last (`settle`): the header
 * goes LIVE→ENDING by CAS, OPEN is read once more, and only when it is still empty a second CAS claims the cell, to free it.
 *
 * Race: A closes (clears its bit, sees OPEN empty) while B opens by a handle (sets its bit, then reads the header).
 *   A1 header LIVE→ENDING · A2 OPEN is empty · B1 sets its bit · A3 ENDING→CLAIMED. B2 reads the header. Before A3 it finds ENDING and
 *   makes it LIVE again by CAS: then A3 fails, and A finds B's bit. After A3 it finds the cell gone, and clears its bit. If B1
 *   comes before A2, A itself goes back to LIVE. Whichever of the two CAS is first decides: the header is the one word.
 *   Tests: tests/model/scenarios/arena.ts.
 *
 * An agent that dies while it has a cell CLAIMED or ENDING leaves its slot in the header, by which the reaper finishes for it.
 * A handle may be older than the object in the cell. Its bit comes and goes in whatever lives there, also in a FREE cell: so
 * OPEN belongs to bits alone, even where no object is.
 *
 * Words may be damaged (docs/internals/trust.md): a number is believed only within its bounds, a chain is followed for as many cells as
 * it can have. `place` throws `LayoutError`; `find` is for hints, and for who has to go on (the reaper): it knows no such cell.
 */

import { add, cas, clearBits, load, setBits, store } from '#atomics';
import { ExhaustedError, LayoutError } from '../errors.ts';
import type { Words } from './atomics.ts';
import { damaged } from './damage.ts';
import {
  BARRIER_ACTS,
  BARRIER_FACTS,
  BUMP_WORD,
  CELL_BODY,
  CELL_GENERATION,
  CELL_HEADER,
  CELL_OPEN,
  CELL_WORDS,
  cellsBelow,
  cellWord,
  FIRST_PERMITS,
  hasData,
  hasPermits,
  header,
  KIND,
  kindOf,
  LIVE_WORD,
  MAX_BOUNDED_PERMITS,
  MAX_SEGMENTS,
  MOST_CELLS,
  OPEN_WORDS,
  PERMITS_NEXT,
  PERMITS_OWNER,
  PERMITS_PER_CELL,
  PHASE_CLAIMED,
  PHASE_ENDING,
  PHASE_LIVE,
  PIN_BIT,
  phaseOf,
  SEGMENTS_WORD,
  segmentOf,
  slotOf,
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

const GENERATION_MASK = 0x7fffffff;
/** How many freed cells a search remembers. */
const SEARCH_LIMIT = 4096;
/** Cells of the longest chain of permits. */
const LONGEST_CHAIN: number = MAX_BOUNDED_PERMITS / PERMITS_PER_CELL;

export class Arena {
  readonly control: Segment;
  private readonly segments: Segment[];
  private readonly source: SegmentSource;
  private readonly removeData: DataRemover;
  /** How messages about it begin. */
  private readonly title: string;
  /** Cells that were free when last seen: hints, each is claimed by CAS. */
  private readonly hints: number[] = [];

  constructor(control: Segment, source: SegmentSource, removeData: DataRemover, title: string) {
    this.title = title;
    this.control = control;
    this.segments = [control];
    this.source = source;
    this.removeData = removeData;
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

  /** Cells that may be in use: as many as were handed out, or, where that is not known any more, all that this agent has mapped. */
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

  /** The same; `undefined` where there is no cell of that number, or none yet, or its file is gone. */
  find(number: number): Place | undefined {
    if (!isCell(number)) return undefined;
    const segment = segmentOf(number);
    if (this.segments[segment] === undefined && number > this.reach) return undefined;
    try {
      return { number, words: this.segment(segment).words, at: cellWord(number) };
    } catch (error) {
      // Whoever needs that cell asks for its place, and hears of it.
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

  /** Claims a free cell for `slot`, its body zeroed. It is CLAIMED until `publish`. Throws when memory is full. */
  claim(kind: number, slot: number): Place {
    for (;;) {
      const number = this.hints.pop() ?? this.fresh();
      const place = this.place(number);
      const claimed = header(PHASE_CLAIMED, kind, slot);
      if (cas(place.words, place.at + CELL_HEADER, 0, claimed) !== 0) continue;
      const { words, at } = place;
      store(words, at + CELL_GENERATION, (load(words, at + CELL_GENERATION) + 1) & GENERATION_MASK);
      for (let word = CELL_BODY; word < CELL_WORDS; word++) store(words, at + word, 0);
      add(this.control.words, LIVE_WORD, 1);
      return place;
    }
  }

  /** Makes the claimed cell LIVE and open for `slot`. Returns its generation. */
  publish(place: Place, kind: number, slot: number): number {
    setBits(place.words, place.at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    store(place.words, place.at + CELL_HEADER, header(PHASE_LIVE, kind, 0));
    return load(place.words, place.at + CELL_GENERATION);
  }

  /** Opens the cell for `slot` if it still is the object of that kind and generation. */
  open(place: Place, kind: number, generation: number, slot: number): boolean {
    const { words, at } = place;
    const live = header(PHASE_LIVE, kind, 0);
    setBits(words, at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    for (;;) {
      // OBSERVE header -> open bit
      const found = load(words, at + CELL_HEADER);
      if (found === live && load(words, at + CELL_GENERATION) === generation) return true;
      if (phaseOf(found) !== PHASE_ENDING || kindOf(found) !== kind) break;
      cas(words, at + CELL_HEADER, found, live);
    }
    this.close(place, slot);
    return false;
  }

  /** Clears `slot`'s bit, and frees the cell if that was the last. Returns whether it is free now. */
  close(place: Place, slot: number): boolean {
    clearBits(place.words, place.at + CELL_OPEN + (slot >> 5), 1 << (slot & 31));
    return this.settle(place, slot);
  }

  /** Keeps the object alive while nobody has it open. To be called when a name leads to it, or it would never be freed. */
  pin({ words, at }: Place): void {
    setBits(words, at + CELL_OPEN, PIN_BIT);
  }

  /** Undoes `pin`, and frees the cell if nobody has it open. Returns whether it is free now. */
  unpin(place: Place, slot: number): boolean {
    clearBits(place.words, place.at + CELL_OPEN, PIN_BIT);
    return this.settle(place, slot);
  }

  /** Frees a LIVE cell that nobody has open. Returns whether it did. */
  settle(place: Place, slot: number): boolean {
    const { words, at } = place;
    while (this.unopened(place)) {
      const live = load(words, at + CELL_HEADER);
      if (phaseOf(live) !== PHASE_LIVE) return false;
      const ending = header(PHASE_ENDING, kindOf(live), slot);
      // PUBLISH header -> open bit
      if (cas(words, at + CELL_HEADER, live, ending) !== live) continue;
      if (!this.unopened(place)) {
        cas(words, at + CELL_HEADER, ending, live);
      } else if (cas(words, at + CELL_HEADER, ending, header(PHASE_CLAIMED, kindOf(live), slot)) === ending) {
        this.free(place);
        return true;
      }
    }
    return false;
  }

  /** Makes a cell that an agent has CLAIMED free, with the cells that hang on it. */
  free(place: Place): void {
    const { words, at } = place;
    const claimed = load(words, at + CELL_HEADER);
    const acts = kindOf(claimed) === KIND.BARRIER && (load(words, at + BARRIER_FACTS) & BARRIER_ACTS) !== 0;
    if (acts || hasData(kindOf(claimed))) {
      this.removeData(place.number, load(words, at + CELL_GENERATION));
      // Whoever made it may have failed or died in between: the next object in the cell must not inherit the pin.
      clearBits(words, at + CELL_OPEN, PIN_BIT);
    }
    if (hasPermits(kindOf(claimed))) this.freePermits(place, slotOf(claimed));
    store(words, at + CELL_HEADER, 0);
    add(this.control.words, LIVE_WORD, -1);
    if (this.hints.length < SEARCH_LIMIT) this.hints.push(place.number);
  }

  /** Finishes for a dead agent what it was creating or ending; clears its open bit. */
  recover(place: Place, dead: number, slot: number): void {
    const { words, at } = place;
    const found = load(words, at + CELL_HEADER);
    const owned = slotOf(found) === dead;
    if (owned && phaseOf(found) === PHASE_ENDING)
      cas(words, at + CELL_HEADER, found, header(PHASE_LIVE, kindOf(found), 0));
    clearBits(words, at + CELL_OPEN + (dead >> 5), 1 << (dead & 31));
    if (owned && phaseOf(found) === PHASE_CLAIMED) this.free(place);
    else this.settle(place, slot);
  }

  private unopened({ words, at }: Place): boolean {
    for (let word = 0; word < OPEN_WORDS; word++) if (load(words, at + CELL_OPEN + word) !== 0) return false;
    return true;
  }

  /** Frees from the last to the first, so that whoever finishes for one who died in between finds the rest of the chain. */
  private freePermits(place: Place, slot: number): void {
    const chain: Place[] = [];
    for (let next = load(place.words, place.at + FIRST_PERMITS); chain.length < LONGEST_CHAIN; ) {
      const permits = this.find(next);
      if (permits === undefined) break;
      const { words, at } = permits;
      const found = load(words, at + CELL_HEADER);
      // A cell that was freed already, and may have become something else, ends the chain.
      if (
        found !== header(PHASE_CLAIMED, KIND.PERMITS, 0) &&
        found !== header(PHASE_CLAIMED, KIND.PERMITS, slot)
      )
        break;
      if (load(words, at + PERMITS_OWNER) !== place.number) break;
      chain.push(permits);
      next = load(words, at + PERMITS_NEXT);
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
      // The one before has to be there, whatever the words say: each is twice as large.
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
