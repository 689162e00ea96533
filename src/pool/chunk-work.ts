/**
 * Chunk work: how a worker runs a chunk. It claims some items, runs them, and puts their results
 * every few milliseconds. The pool may cut off the items that are not claimed (task-table.ts).
 */

import { now } from '#park';
import type { WorkFunction } from './function-list.ts';
import type { Reply, TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, REPLY } from './messages.ts';
import type { Replies } from './replies.ts';
import { generationOf, slotOf } from './slot-words.ts';
import type { TaskTable } from './task-table.ts';
import { isThenable } from './thenable.ts';

/** Microseconds that the items of a claim should take together, and the most of such items. */
const CLAIMED_TIME = 20;
const MOST_CLAIMED = 64;
/** Milliseconds after which results of a chunk are put: with a bell, and without. */
const PUT_EVERY = 1;
const PUT_LATE_EVERY = 5;
/** Calls of each: V8 records the functions of a call site only after some hundred steps. */
const DIFFERENT_CALLS = 20;

let hasCalledOthers = false;

export class ChunkWork {
  private readonly table: TaskTable;
  private readonly replies: Replies;
  private readonly fn: WorkFunction;
  private readonly ticket: number;
  private readonly kind: number;
  private readonly isQuiet: boolean;
  /** Results ring no bell before the last of them. */
  private readonly isLate: boolean;
  private readonly putEvery: number;
  private readonly items: readonly unknown[];
  /** Results that are not yet put: their values, unless these are not wanted. */
  private values: unknown[] = [];
  private count = 0;
  private from = 0;
  private lastPut = 0;

  constructor(table: TaskTable, replies: Replies, fn: WorkFunction, [ticket, , mode, payload]: TaskMessage) {
    this.table = table;
    this.replies = replies;
    this.fn = fn;
    this.ticket = ticket;
    this.kind = mode & MODE_MASK;
    this.isQuiet = (mode & MODE.QUIET) !== 0;
    this.isLate = (mode & MODE.LATE) !== 0;
    this.putEvery = this.isLate ? PUT_LATE_EVERY : PUT_EVERY;
    this.items = payload as readonly unknown[];
    if (!hasCalledOthers) callOthers();
  }

  /** Runs all items that it can claim. `breathe` lets the event loop have its turn, at times. */
  async run(breathe: (time: number) => Promise<void> | undefined): Promise<void> {
    const slot = slotOf(this.ticket);
    const began = now();
    this.lastPut = began;
    let ran = 0;
    for (let most = 1; ; ) {
      // Claim the next items; another worker may have been given the rest.
      const claimed = this.table.claimItems(slot, most);
      if (claimed === undefined) break;
      if (this.count === 0) this.from = claimed.from;
      const end = claimed.from + claimed.count;
      for (let index = claimed.from; index < end; index++) {
        const going = this.runItem(index);
        if (going !== undefined) await going;
      }
      // Put the results when the oldest of them has waited for long enough.
      ran += claimed.count;
      const time = now();
      if (time - this.lastPut >= this.putEvery && this.count > 0) {
        const going = this.put(false);
        if (going !== undefined) await going;
      }
      // Adapt how many items to claim at once.
      const each = ((time - began) * 1000) / ran;
      most = Math.max(1, Math.min(MOST_CLAIMED, Math.floor(CLAIMED_TIME / Math.max(each, 0.01))));
      // Let the event loop have its turn, and look whether the run was given up.
      const turn = breathe(time);
      if (turn !== undefined) await turn;
      if (this.table.isAborted(slot, generationOf(this.ticket))) break;
    }
    await this.put(true);
  }

  /** Runs one item; returns a promise only if it is not done. */
  private runItem(index: number): Promise<void> | undefined {
    const { items, kind, fn } = this;
    try {
      const result = call(fn, kind, kind === MODE.RANGE ? (items[0] as number) + index : items[index]);
      if (isThenable(result)) return this.await(index, result);
      this.keep(result);
      return undefined;
    } catch (error) {
      return this.threw(index, error);
    }
  }

  private async await(index: number, result: PromiseLike<unknown>): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      await this.threw(index, error);
      return;
    }
    this.keep(value);
  }

  private keep(value: unknown): void {
    if (!this.isQuiet) this.values.push(value);
    this.count++;
  }

  private async threw(index: number, error: unknown): Promise<void> {
    // Report results before an error, to keep the order.
    if (this.count > 0) await this.put(false);
    await this.replies.put([REPLY.ITEM_THREW, this.ticket, index, error]);
    this.from = index + 1;
  }

  /** Puts what has come; returns a promise only if the put has to wait. */
  private put(isOver: boolean): Promise<void> | undefined {
    const { values, count, from, ticket } = this;
    const time = now();
    const microseconds = Math.round((time - this.lastPut) * 1000);
    const reply: Reply = [REPLY.ITEMS, ticket, from, this.isQuiet ? count : values, microseconds, isOver];
    this.values = [];
    this.count = 0;
    this.lastPut = time;
    return this.replies.putItems(reply, values, this.isLate && !isOver);
  }
}

/** Calls the function with one item. */
function call(fn: WorkFunction, kind: number, item: unknown): unknown {
  return kind === MODE.TUPLES ? fn(...(item as unknown[])) : fn(item);
}

/**
 * Makes V8 compile the program's function separately. If a call site has only ever called one
 * function, V8 inlines it, and in an asynchronous loop the inlined code is slower by some percent.
 * So this call site calls other functions first.
 */
function callOthers(): void {
  hasCalledOthers = true;
  const others: readonly WorkFunction[] = [() => 0, () => 1, () => 2, () => 3, () => 4, () => 5];
  for (let n = 0; n < DIFFERENT_CALLS; n++) {
    for (const kind of [MODE.ITEMS, MODE.TUPLES]) for (const fn of others) call(fn, kind, []);
  }
}
