/**
 * Slots: which tasks of a pool have which slots of its table, as the pool keeps them. The header of
 * task-table.ts describes the words.
 *
 *   free ──▶ in use ── its result, or its worker's death ──▶ free, with the next generation
 *              ├── withdrawn: *dropping*, until the worker that takes the item has marked the slot
 *              └── taken back: *resting*, until no worker of that moment can still have the item
 *                  (of a worker's own ring: until that ring is gone)
 *
 * A withdrawn slot also rests if the worker that took its item has died since.
 */

import { GENERATION_MASK, PHASE, phaseOf, ticketOf, workerOf } from './slot-words.ts';
import type { TaskTable } from './task-table.ts';

/** A task that may have a slot. */
export interface Slotted {
  /** -1: it has none. */
  slot: number;
}

/** The ring in which the items lie: how many were put in it, and how many are left. */
export interface ItemCount {
  readonly puts: number;
  readonly size: number;
}

const PUTS_MASK = 0x7fffffff;

export class Slots<Task extends Slotted> {
  /** Tasks by their slot. */
  readonly tasks: (Task | undefined)[];
  /** Slots in use. */
  used = 0;
  private readonly table: TaskTable;
  private readonly ring: ItemCount;
  /** The living workers, by any identity. */
  private readonly living: () => Iterable<unknown>;
  private readonly free: number[] = [];
  private readonly generations: Int32Array;
  /** For each slot, the number of its item in the ring. */
  private readonly numbers: Int32Array;
  /** For each slot, the worker's own ring in which its item lies; `undefined`: the pool's. */
  private readonly own: (ItemCount | undefined)[];
  private dropping: number[] = [];
  private resting: { slot: number; workers: Set<unknown> }[] = [];

  constructor(table: TaskTable, ring: ItemCount, living: () => Iterable<unknown>) {
    this.table = table;
    this.ring = ring;
    this.living = living;
    const count = table.slotCount;
    this.tasks = new Array<undefined>(count).fill(undefined);
    this.generations = new Int32Array(count);
    this.numbers = new Int32Array(count);
    this.own = new Array<undefined>(count).fill(undefined);
    for (let slot = count - 1; slot >= 0; slot--) this.free.push(slot);
  }

  /**
   * Fills a free slot. The caller then puts its item, into the worker's own ring or the pool's, and
   * calls `use` or `giveUp`. -1: none is free.
   *
   * @param fn the function's number in the list
   */
  fill(items: number, own?: ItemCount, fn?: number | string): number {
    const slot = this.free.pop() ?? this.freeDropped();
    if (slot === undefined) return -1;
    this.numbers[slot] = (own ?? this.ring).puts;
    this.own[slot] = own;
    this.table.queue(slot, this.generations[slot]!, items, fn);
    return slot;
  }

  /** The item was put. */
  use(slot: number, task: Task): void {
    task.slot = slot;
    this.tasks[slot] = task;
    this.used++;
  }

  /** The item could not be put. */
  giveUp(slot: number): void {
    this.free.push(slot);
  }

  ticketOf(slot: number): number {
    return ticketOf(slot, this.generations[slot]!);
  }

  generationOf(slot: number): number {
    return this.generations[slot]!;
  }

  /** The worker that runs the task; 0: none does. */
  runnerOf({ slot }: Task): number {
    if (slot < 0) return 0;
    const state = this.table.state(slot);
    return phaseOf(state) === PHASE.RUNNING || phaseOf(state) === PHASE.DOOMED ? workerOf(state) : 0;
  }

  /** Gives the task's slot back. This attempt no longer runs anywhere. */
  release(task: Task): void {
    this.free.push(this.leave(task));
  }

  /** Withdraws a task that no worker has begun. `false`: it runs. */
  withdraw(task: Task): boolean {
    const { slot } = task;
    if (!this.table.cancel(slot, this.generations[slot]!)) return false;
    // Keep the generation, because the item still names it.
    task.slot = -1;
    this.tasks[slot] = undefined;
    this.used--;
    this.dropping.push(slot);
    return true;
  }

  /** The worker's own ring in which the item of the slot's task lies; `undefined`: the pool's. */
  ownRing(slot: number): ItemCount | undefined {
    return this.own[slot];
  }

  /** Whether the item of the slot's task has left the ring. */
  isTaken(slot: number): boolean {
    const { puts, size } = this.own[slot] ?? this.ring;
    return ((puts - this.numbers[slot]!) & PUTS_MASK) > size;
  }

  /**
   * Takes back a task that was taken and not begun. `false`: a worker has begun it. All results
   * have to be read before: see `seen`.
   *
   * @param own the worker's own ring in which its item may still lie: the slot rests until that
   *   ring is gone
   */
  takeBack(task: Task, own?: ItemCount): boolean {
    // Raise the generation, so that a late claim fails.
    const { slot } = task;
    const generation = this.generations[slot]!;
    if (!this.table.requeue(slot, generation, (generation + 1) & GENERATION_MASK)) return false;
    // Let the slot rest until no worker can have the item, or can take it.
    this.table.vacate(slot);
    this.leave(task);
    if (own === undefined) this.rest(slot);
    else this.resting.push({ slot, workers: new Set([own]) });
    return true;
  }

  /** The worker of that own ring has died: no worker can take or have an item of it. */
  gone(own: ItemCount): void {
    this.dropping = this.dropping.filter((slot) => {
      if (this.own[slot] !== own) return true;
      this.nextGeneration(slot);
      this.free.push(slot);
      return false;
    });
    this.seen(own);
  }

  /**
   * The worker has put a result, or has died. It no longer has any item that it had when a slot
   * began to rest. A worker that has taken an item puts nothing before it has claimed or dropped
   * it.
   */
  seen(worker: unknown): void {
    if (this.resting.length === 0) return;
    this.resting = this.resting.filter(({ slot, workers }) => {
      workers.delete(worker);
      if (workers.size > 0) return true;
      this.free.push(slot);
      return false;
    });
  }

  private leave(task: Task): number {
    const { slot } = task;
    task.slot = -1;
    this.tasks[slot] = undefined;
    this.used--;
    this.nextGeneration(slot);
    return slot;
  }

  private nextGeneration(slot: number): void {
    this.generations[slot] = (this.generations[slot]! + 1) & GENERATION_MASK;
  }

  private rest(slot: number): void {
    const workers = new Set(this.living());
    if (workers.size === 0) this.free.push(slot);
    else this.resting.push({ slot, workers });
  }

  private freeDropped(): number | undefined {
    this.dropping = this.dropping.filter((slot) => {
      const phase = phaseOf(this.table.state(slot));
      if (phase !== PHASE.DROPPED && !this.isTaken(slot)) return true;
      this.nextGeneration(slot);
      if (phase === PHASE.DROPPED) this.free.push(slot);
      // Its taker has died, or has not yet looked at the slot.
      else this.rest(slot);
      return false;
    });
    return this.free.pop();
  }
}
