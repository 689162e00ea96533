/**
 * Item run: one function over many items, in chunks.
 *
 * Chunks begin with one item, and grow until one takes some milliseconds. No more of them are out
 * than there are workers and one: the next is as large as what was learnt meanwhile says. When the
 * source has ended and a worker has nothing to do, the running chunk with most items left is cut in
 * half by one compare-and-swap of its CURSOR. The half is handed out again. So the last items
 * never wait for one worker, and items that differ a thousandfold end together.
 *
 * *If a worker dies*, the items of its chunk that had begun and were not reported are lost; the
 * others are handed out again. Results are reported after a millisecond, so of items that take
 * longer exactly the one that ran is lost.
 */

import type { Origin } from '../stacks.ts';
import type { Engine } from './engine.ts';
import type { PoolFunction } from './function-list.ts';
import { MODE } from './messages.ts';
import type { ChunkSink } from './pool-task.ts';
import { PoolTask } from './pool-task.ts';
import type { Items, Source } from './sources.ts';
import { modeOf, partOf } from './sources.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp } from './task-control.ts';
import { MOST_ITEMS } from './task-table.ts';

/** Microseconds that a chunk shall take. */
const CHUNK_TIME = 5000;
/** How much larger than before a chunk may be. */
const GROWTH = 8;
/** Bytes of a chunk's items, about. */
const CHUNK_BYTES: number = 64 * 1024;
/** Weight of the newest chunk in the mean time of an item. */
const NEWEST = 1 / 4;

/** How a run is to go. */
export interface RunOrder {
  readonly fn: PoolFunction;
  readonly isTuples: boolean;
  readonly quiet: boolean;
  /** `undefined`: as large as is good. */
  readonly chunkSize: number | undefined;
  readonly priority: number;
  readonly retries: number;
  readonly origin: Origin | undefined;
  /** Time on this thread's clock. */
  readonly now: number;
}

/** Receives what comes of the items. */
export interface RunTarget {
  /** Whether more items may be taken from the source: and how many. */
  room(pulled: number): number;
  item(index: number, ok: boolean, value: unknown): void;
  /** So many items from `index` on are done, whose results nobody wants. */
  quiet(index: number, count: number): void;
  /** Everything that was taken has come to its end. `failure`: the error that the source threw. */
  ended(failure: { error: unknown } | undefined): void;
}

/** A chunk that is out. */
interface Chunk {
  readonly task: PoolTask;
  readonly items: Items;
  /** Number of its first item. */
  readonly base: number;
  /** Its items before this one are reported. */
  reported: number;
  /** Where it was cut. */
  end: number;
  readonly lost: number;
}

export class ItemRun {
  /** Items taken from the source. */
  pulled = 0;
  /** Items of which is known what came. */
  done = 0;
  failed = 0;
  /** Mean microseconds of an item; 0 not known. */
  mean = 0;
  private readonly host: ControlHost;
  private readonly engine: Engine;
  private readonly source: Source;
  private readonly order: RunOrder;
  private readonly target: RunTarget;
  private readonly chunks = new Set<Chunk>();
  private readonly mode: number;
  private size = 1;
  private itemBytes = 0;
  private exhausted = false;
  private stopped = false;
  private over = false;
  private pumping = false;
  private waits = false;
  private failure: { error: unknown } | undefined;

  constructor(host: ControlHost, source: Source, order: RunOrder, target: RunTarget) {
    this.host = host;
    this.engine = host.engine;
    this.source = source;
    this.order = order;
    this.target = target;
    this.mode = modeOf(source.isRange, order.isTuples) | (order.quiet ? MODE.QUIET : 0);
  }

  /** Items of the next chunk. */
  get chunkSize(): number {
    return this.order.chunkSize ?? this.size;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Takes items from the source and hands them out, as far as there is room. */
  pump(): void {
    if (this.pumping || this.over) return;
    this.pumping = true;
    try {
      while (!this.exhausted && !this.stopped && this.chunks.size <= this.host.width && this.next());
    } finally {
      this.pumping = false;
    }
    if (this.exhausted && !this.stopped) this.share();
    this.endIfDone();
  }

  /** Something has come from a source that made it wait. */
  readonly arrived = (): void => {
    if (this.waits) {
      this.waits = false;
      this.engine.unhold();
    }
    this.pump();
  };

  /**
   * Takes no more items; withdraws what waits, and tells what runs to stop. `waits`: it is over
   * when that has ended.
   */
  stop(reason: () => unknown, waits = false): void {
    if (this.over) return;
    this.stopped = true;
    this.exhausted = true;
    if (this.waits) {
      this.waits = false;
      this.engine.unhold();
    }
    this.stopSource();
    for (const chunk of [...this.chunks]) {
      this.chunks.delete(chunk);
      giveUp(this.host, chunk.task, reason);
      if (waits && chunk.task.slot >= 0) this.chunks.add(chunk);
    }
    this.endIfDone();
  }

  /** The pool has ended: the reader of the results gets the reason. */
  fail(error: () => Error): void {
    if (this.over) return;
    this.failure = { error: error() };
    this.stop(error);
  }

  /** Takes no more items from the source; items already taken go on. */
  stopSource(): void {
    this.exhausted = true;
    try {
      this.source.stop();
    } catch (error) {
      this.failure ??= { error };
    }
  }

  private next(): boolean {
    const room = this.target.room(this.pulled);
    if (room <= 0) return false;
    const { total } = this.source;
    let most = Math.min(this.chunkSize, room, MOST_ITEMS);
    if (total !== undefined && this.order.chunkSize === undefined) {
      // Not all that is left goes to the first who ask.
      most = Math.max(1, Math.min(most, Math.ceil((total - this.pulled) / (2 * this.host.width))));
    }
    let pulled: ReturnType<Source['pull']>;
    try {
      pulled = this.source.pull(most);
    } catch (error) {
      this.failure ??= { error };
      this.exhausted = true;
      return false;
    }
    if (pulled === 'later') {
      // The program must not end while its source is at work.
      if (!this.waits) this.engine.hold();
      this.waits = true;
      return false;
    }
    if (pulled === 'end') {
      this.exhausted = true;
      return false;
    }
    const base = this.pulled;
    this.pulled += pulled.count;
    if (!this.source.isRange) this.weigh(pulled);
    this.send(pulled, base, 0);
    return true;
  }

  /** Hands out a chunk. */
  private send(items: Items, base: number, lost: number): void {
    const { order } = this;
    const task = new PoolTask(order.fn, this.mode, items.payload, order.now, order.priority, order.origin);
    const chunk: Chunk = { task, items, base, reported: 0, end: items.count, lost };
    task.needMore().chunk = this.sinkOf(chunk);
    task.resolve = () => {};
    task.reject = (error) => this.refused(chunk, error);
    this.chunks.add(chunk);
    try {
      this.engine.submit(task);
    } catch (error) {
      task.resolve = undefined;
      this.refused(chunk, error);
    }
  }

  private sinkOf(chunk: Chunk): ChunkSink {
    return {
      count: chunk.items.count,
      items: (from, values, microseconds) => {
        const count = typeof values === 'number' ? values : values.length;
        if (count > 0) this.learn(microseconds / count, count);
        chunk.reported = Math.max(chunk.reported, from + count);
        if (this.stopped) return;
        this.done += count;
        if (typeof values === 'number') this.target.quiet(chunk.base + from, count);
        else for (let n = 0; n < count; n++) this.target.item(chunk.base + from + n, true, values[n]);
      },
      failed: (index, error) => {
        chunk.reported = Math.max(chunk.reported, index + 1);
        this.failItem(chunk.base + index, error);
      },
      over: () => {
        this.chunks.delete(chunk);
        this.pump();
      },
      lost: (next, end, error) => this.lose(chunk, next, end, error),
    };
  }

  private failItem(index: number, error: unknown): void {
    if (this.stopped) return;
    this.done++;
    this.failed++;
    this.target.item(index, false, error);
  }

  /** The chunk could not be put. One item of it can't be sent, or it is too large. */
  private refused(chunk: Chunk, error: unknown): void {
    if (!this.chunks.delete(chunk)) return;
    const { items, base, lost } = chunk;
    if (items.count > 1) {
      const { isRange } = this.source;
      const half = items.count >> 1;
      this.send(partOf(items, isRange, 0, half), base, lost);
      this.send(partOf(items, isRange, half, items.count), base + half, lost);
      return;
    }
    this.failItem(base, error);
    this.pump();
  }

  /** The chunk's worker has died: items that had begun run again or fail, the rest is put again. */
  private lose(chunk: Chunk, next: number, end: number, error: () => Error): void {
    if (!this.chunks.delete(chunk)) return;
    const { items, base, reported, lost } = chunk;
    const { isRange } = this.source;
    if (this.stopped) {
      this.endIfDone();
      return;
    }
    for (let index = reported; index < Math.min(next, end); index++) {
      // One by one: an item that kills takes no other along.
      if (lost < this.order.retries)
        this.send(partOf(items, isRange, index, index + 1), base + index, lost + 1);
      else this.failItem(base + index, error());
    }
    if (next < end) this.send(partOf(items, isRange, next, end), base + next, lost);
    this.pump();
  }

  /** A worker has nothing to do: gives it half of what another has yet to begin. */
  private share(): void {
    if (this.order.chunkSize !== undefined) return;
    while (this.chunks.size > 0 && this.chunks.size < this.host.width && this.engine.backlog.size === 0) {
      let most = 0;
      let longest: Chunk | undefined;
      for (const chunk of this.chunks) {
        if (this.engine.slots.runnerOf(chunk.task) === 0) continue;
        const { next, end } = this.engine.table.cursor(chunk.task.slot);
        if (end - next <= most) continue;
        most = end - next;
        longest = chunk;
      }
      if (longest === undefined) return;
      // The item that it is just running stays with it, so that the last one can go, too.
      const cut = this.engine.table.cut(longest.task.slot, (left) => left >> 1);
      if (cut === undefined) return;
      longest.end = cut.from;
      const { items, base, lost } = longest;
      this.send(partOf(items, this.source.isRange, cut.from, cut.to), base + cut.from, lost);
    }
  }

  /** An item took so many microseconds: how many go into the next chunk. */
  private learn(each: number, count: number): void {
    this.mean = this.mean === 0 ? each : this.mean + (each - this.mean) * NEWEST;
    const wanted = Math.ceil(CHUNK_TIME / Math.max(this.mean, 0.01));
    const limit = this.itemBytes > 0 ? Math.ceil(CHUNK_BYTES / this.itemBytes) : MOST_ITEMS;
    const most = Math.min(Math.max(this.size, count) * GROWTH, MOST_ITEMS, Math.max(1, limit));
    this.size = Math.max(1, Math.min(wanted, most));
  }

  private weigh({ payload }: Items): void {
    const item = payload[0];
    if (typeof item === 'string') this.itemBytes = item.length + 8;
    else if (ArrayBuffer.isView(item)) this.itemBytes = item.byteLength + 16;
    else this.itemBytes = typeof item === 'object' && item !== null ? 64 : 8;
  }

  private endIfDone(): void {
    if (this.over || !this.exhausted || this.chunks.size > 0) return;
    this.over = true;
    this.target.ended(this.failure);
  }
}
