/**
 * Item run: one function over many items, in chunks.
 *
 * Chunks begin with one item, and grow until one takes some milliseconds. At most one more chunk is
 * out than there are workers, so that the size of the next one uses the latest times. When the
 * source has ended and a worker is idle, one compare-and-swap of CURSOR cuts the running chunk with
 * most items left in half. The second half is handed out again. So the last items never wait for
 * one worker, even if items differ a thousandfold.
 *
 * Where nobody can use a result before the last one has come (`map` without progress), the results
 * within a chunk are put silently. The pool finds them when the chunk ends, or the worker.
 *
 * *If a worker dies*, the items of its chunk that had begun and were not reported are lost. The
 * others are handed out again. Results are put after a millisecond, and silent ones after 5 ms. So
 * if items take longer, exactly the running one is lost.
 */

import type { Origin } from '../stacks.ts';
import { withOrigin } from '../stacks.ts';
import type { Chunk } from './chunk-sharing.ts';
import { cutLongest } from './chunk-sharing.ts';
import { ChunkSize } from './chunk-size.ts';
import type { CapturedContext } from './context.ts';
import type { Engine } from './engine.ts';
import { noList, unsendable } from './item-errors.ts';
import { MODE } from './messages.ts';
import type { ChunkSink, LostItem } from './pool-task.ts';
import { PoolTask } from './pool-task.ts';
import type { RunOrder, RunTarget } from './run-order.ts';
import { SourceEnd } from './source-end.ts';
import type { Items, Source } from './sources.ts';
import { modeOf, partOf } from './sources.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp } from './task-control.ts';
import { MOST_ITEMS } from './task-table.ts';

export class ItemRun {
  /** Items taken from the source. */
  pulled = 0;
  /** Number of items with an outcome. */
  done = 0;
  failed = 0;
  private readonly host: ControlHost;
  private readonly engine: Engine;
  private readonly source: Source;
  private readonly order: RunOrder;
  private readonly context: CapturedContext | undefined;
  private readonly target: RunTarget;
  private readonly chunks = new Set<Chunk>();
  private readonly mode: number;
  private exhausted = false;
  private stopped = false;
  private over = false;
  private pumping = false;
  private waits = false;
  private failure: { error: unknown } | undefined;
  private readonly size: ChunkSize;
  private readonly sourceEnd: SourceEnd;

  constructor(
    host: ControlHost,
    source: Source,
    order: RunOrder,
    target: RunTarget,
    context: CapturedContext | undefined,
  ) {
    this.host = host;
    this.engine = host.engine;
    this.source = source;
    this.sourceEnd = new SourceEnd(source);
    this.order = order;
    this.context = context;
    this.size = new ChunkSize(order.chunkSize, target.isLive);
    this.target = target;
    // Chunks of a chosen size may be long.
    const isLate = !target.isLive && order.chunkSize === undefined;
    this.mode =
      modeOf(source.isRange, order.isTuples) | (order.quiet ? MODE.QUIET : 0) | (isLate ? MODE.LATE : 0);
  }

  /** Items of the next chunk. */
  get chunkSize(): number {
    return this.size.now;
  }

  /** The name of the function. */
  get name(): string {
    return this.order.fn.name;
  }

  get isOver(): boolean {
    return this.over;
  }

  /** Where the call began. */
  get origin(): Origin | undefined {
    return this.order.origin;
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

  /** A source that made the run wait has items now, or has ended. */
  readonly arrived = (): void => {
    if (this.waits) {
      this.waits = false;
      this.engine.unhold();
    }
    this.pump();
  };

  /**
   * Takes no more items, withdraws waiting chunks, and asks running ones to stop. `waits`: the run
   * is over only when those have ended.
   */
  stop(reason: () => unknown, waits = false): void {
    if (this.over) return;
    this.stopped = true;
    this.exhausted = true;
    if (this.waits) {
      this.waits = false;
      this.engine.unhold();
    }
    this.sourceEnd.begin();
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

  /** Waits until the source has closed, at most for the pool's grace. Rejects with its error. */
  sourceClosed(): Promise<void> {
    return this.sourceEnd.reached(this.host.grace);
  }

  private next(): boolean {
    const room = this.target.room(this.pulled);
    if (room <= 0) return false;
    const { total } = this.source;
    const left = total === undefined ? undefined : total - this.pulled;
    const most = Math.min(this.size.next(left, this.host.width), room, MOST_ITEMS);
    let pulled: ReturnType<Source['pull']>;
    try {
      pulled = this.source.pull(most);
    } catch (error) {
      this.failure ??= { error };
      this.exhausted = true;
      return false;
    }
    if (pulled === 'later') {
      // Keep the program running while its source is at work.
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
    if (!this.source.isRange) this.size.weigh(pulled);
    if (this.order.isTuples) this.sendLists(pulled, base);
    else this.send(pulled, base, 0);
    return true;
  }

  /** Hands out the items that are lists of arguments; the others fail. */
  private sendLists(items: Items, base: number): void {
    let from = 0;
    for (let index = 0; index <= items.count; index++) {
      const item = items.payload[index];
      const isLast = index === items.count;
      if (!isLast && Array.isArray(item)) continue;
      if (index > from) this.send(partOf(items, false, from, index), base + from, 0);
      if (!isLast) {
        const error = noList(this.host.title, base + index, item);
        this.failItem(base + index, withOrigin(error, this.order.origin));
      }
      from = index + 1;
    }
  }

  /** Hands out a chunk. */
  private send(items: Items, base: number, lost: number): void {
    const { order } = this;
    const task = new PoolTask(order.fn, this.mode, items.payload, order.now, order.priority, order.origin);
    const chunk: Chunk = { task, items, base, reported: 0, end: items.count, lost };
    task.needMore().chunk = this.sinkOf(chunk);
    this.context?.addTo(task);
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
        if (count > 0) this.size.learn(microseconds / count, count);
        chunk.reported = Math.max(chunk.reported, from + count);
        if (this.stopped) return;
        this.done += count;
        if (typeof values === 'number') this.target.quiet(chunk.base + from, count);
        else this.target.items(chunk.base + from, values);
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
    this.target.failed(index, error);
  }

  /** The chunk could not be put: one of its items can't be sent, or it is too large. */
  private refused(chunk: Chunk, error: unknown): void {
    if (!this.chunks.delete(chunk)) return;
    const { items, base, lost } = chunk;
    // Cut the chunk in half, and put both, down to the item at fault.
    if (items.count > 1) {
      const { isRange } = this.source;
      const half = items.count >> 1;
      this.send(partOf(items, isRange, 0, half), base, lost);
      this.send(partOf(items, isRange, half, items.count), base + half, lost);
      return;
    }
    // This item is at fault: report it, and go on.
    const what = `${this.host.title}: ${this.name}:`;
    this.failItem(base, withOrigin(unsendable(error, items.payload[0], what, base), this.order.origin));
    this.pump();
  }

  /** The chunk's worker has died. Items that had begun run again or fail; the rest is put again. */
  private lose(chunk: Chunk, next: number, end: number, error: (item: LostItem) => Error): void {
    if (!this.chunks.delete(chunk)) return;
    const { items, base, reported, lost } = chunk;
    const { isRange } = this.source;
    if (this.stopped) {
      this.endIfDone();
      return;
    }
    // Items that had begun: run each again, or fail it.
    const begun = Math.min(next, end);
    for (let index = reported; index < begun; index++) {
      // Run them one by one, so that a deadly item ends no other.
      if (lost < this.order.retries)
        this.send(partOf(items, isRange, index, index + 1), base + index, lost + 1);
      else {
        const died = error({ index, others: begun - reported - 1, lost });
        this.failItem(base + index, withOrigin(died, this.origin));
      }
    }
    // Items that had not begun: put them again as one chunk.
    if (next < end) this.send(partOf(items, isRange, next, end), base + next, lost);
    this.pump();
  }

  /** A worker is idle: gives it half of the items that another has not begun. */
  private share(): void {
    if (this.order.chunkSize !== undefined) return;
    const { handOut } = this.engine;
    while (this.chunks.size > 0 && this.chunks.size < this.host.width && handOut.backlog.size === 0) {
      const cut = cutLongest(this.chunks, handOut);
      if (cut === undefined) return;
      // Hand the second half out as a chunk of its own.
      const { items, base, lost } = cut.chunk;
      this.send(partOf(items, this.source.isRange, cut.from, cut.to), base + cut.from, lost);
    }
  }

  private endIfDone(): void {
    if (this.over || !this.exhausted || this.chunks.size > 0) return;
    this.over = true;
    this.context?.letGo();
    this.target.ended(this.failure);
  }
}
