/**
 * Chunk size: how many items the next chunk of a run has. Chunks begin with one item, and grow
 * until one takes some milliseconds.
 */

import type { Items } from './sources.ts';
import { MOST_ITEMS } from './task-table.ts';

/** Microseconds that a chunk shall take: where its results are read as they come, and elsewhere. */
const LIVE_CHUNK_TIME = 10_000;
const CHUNK_TIME = 25_000;
/** Microseconds that a chunk shall take at least, although few items are left. */
const SHORTEST_CHUNK = 500;
/** The largest growth from one chunk to the next. */
const GROWTH = 8;
/** Approximate bytes of a chunk's items. */
const CHUNK_BYTES: number = 64 * 1024;
/** Weight of the newest chunk in the mean time of an item. */
const NEWEST = 1 / 4;

export class ChunkSize {
  /** The size that the program chose; `undefined`: it is chosen here. */
  readonly chosen: number | undefined;
  /** Mean microseconds of an item; 0 not known. */
  private mean = 0;
  private size = 1;
  private itemBytes = 0;
  /** Microseconds that a chunk shall take. */
  private readonly time: number;

  /** @param isLive whether results are of use before the last of them has come */
  constructor(chosen: number | undefined, isLive: boolean) {
    this.chosen = chosen;
    this.time = isLive ? LIVE_CHUNK_TIME : CHUNK_TIME;
  }

  /** Items of the next chunk. */
  get now(): number {
    return this.chosen ?? this.size;
  }

  /**
   * The same, with some items left for workers that ask later.
   *
   * @param left items that are left; `undefined`: not known
   */
  next(left: number | undefined, width: number): number {
    if (left === undefined || this.chosen !== undefined) return this.now;
    const fewest = this.mean === 0 ? 1 : Math.ceil(SHORTEST_CHUNK / this.mean);
    return Math.max(1, Math.min(this.size, Math.max(fewest, Math.ceil(left / (width + 1)))));
  }

  /** An item took `each` microseconds: chooses the size of the next chunk. */
  learn(each: number, count: number): void {
    // Update the mean time of an item.
    this.mean = this.mean === 0 ? each : this.mean + (each - this.mean) * NEWEST;
    // Choose the next size: by time, by bytes, and not much larger than the last.
    const wanted = Math.ceil(this.time / Math.max(this.mean, 0.01));
    const limit = this.itemBytes > 0 ? Math.ceil(CHUNK_BYTES / this.itemBytes) : MOST_ITEMS;
    const most = Math.min(Math.max(this.size, count) * GROWTH, MOST_ITEMS, Math.max(1, limit));
    this.size = Math.max(1, Math.min(wanted, most));
  }

  /** Notes the approximate bytes of an item. */
  weigh({ payload }: Items): void {
    const item = payload[0];
    if (typeof item === 'string') this.itemBytes = item.length + 8;
    else if (ArrayBuffer.isView(item)) this.itemBytes = item.byteLength + 16;
    else this.itemBytes = typeof item === 'object' && item !== null ? 64 : 8;
  }
}
