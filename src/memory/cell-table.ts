/**
 * Cell table: the cells that exist in a namespace, where each lies, and which one is handed out
 * next. Segments are added as cells are needed. A number from a damaged word is checked against its
 * bounds.
 */

import { cas, load } from '#atomics';
import { ExhaustedError, LayoutError } from '../errors.ts';
import { damaged } from './damage.ts';
import {
  BUMP_WORD,
  CELL_HEADER,
  cellsBelow,
  cellWord,
  LIVE_WORD,
  MAX_SEGMENTS,
  MOST_CELLS,
  SEGMENTS_WORD,
  segmentOf,
} from './layout.ts';
import type { Place } from './place.ts';
import type { Segment } from './segment.ts';

/** Returns segment `index`, mapped; makes its file when `create` is set. */
export type SegmentSource = (index: number, create: boolean) => Segment;

/** The most freed cells that a search remembers: it bounds the memory of the list. */
const SEARCH_LIMIT = 4096;

export abstract class CellTable {
  readonly control: Segment;
  private readonly segments: Segment[];
  private readonly source: SegmentSource;
  /** The beginning of messages about it. */
  private readonly title: string;
  /** Cells that were free when last seen: hints, each is claimed by CAS. */
  private readonly hints: number[] = [];

  constructor(control: Segment, source: SegmentSource, title: string) {
    this.title = title;
    this.control = control;
    this.segments = [control];
    this.source = source;
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

  /** A cell that was free when last seen; claiming it is certain. Throws `ExhaustedError`. */
  protected probablyFree(): number {
    return this.hints.pop() ?? this.fresh();
  }

  /** Remembers that the cell is free. */
  protected noteFree(number: number): void {
    if (this.hints.length < SEARCH_LIMIT) this.hints.push(number);
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
