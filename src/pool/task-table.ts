/**
 * Task table: the words that a pool and its workers share, beside the rings.
 *
 *   header  +0   MAGIC           "TSK2"                                       the pool, once
 *           +1   SLOTS, +2 WORKERS, +3 FUNCTION_BYTES                          the same
 *           +16  FUNCTIONS       bytes of the function list in use             the pool
 *           +32  IDLE            8 words, a bit a worker        worker sets, pool clears
 *   worker  +0   ORDER           0 work, 1 stop                                the pool
 *           +1   PRIVATE         cell of the worker's own task ring; 0 none    the pool
 *           +2   PRIVATE_GENERATION                                            before PRIVATE
 *           +3   ABORTED         1: it has called process.abort              the worker
 *   slot    +0   STATE           30…28 phase | 27 ABORT | 26…19 worker | 18…0 generation
 *                                                               anyone, by CAS but for QUEUED
 *           +1   CURSOR          30…15 next item of a chunk | 14…0 its end     CAS only
 *                                of a stream: its credit (credits.ts)
 *           +2   STARTED         ms of the clock all share; 0 not yet          the owner
 *
 * Further words are for observers outside: observed.ts.
 *
 * A task that was handed out has a slot and an item in a ring. STATE alone decides its fate: an
 * item is only a hint to look at its slot.
 *
 *   hand out  the pool writes QUEUED·g, then puts the item        // PUBLISH slot -> item
 *   claim     a worker takes the item, CAS QUEUED·g -> RUNNING·w·g     // OBSERVE slot -> item
 *             A failed CAS means that the item is stale: the worker drops it.
 *   finish    the worker puts the result in its own ring, CAS RUNNING·w·g -> DONE·w·g
 *   settle    the pool takes the result, compares the generation, and the slot is free for g + 1
 *   cancel    the pool: CAS QUEUED·g -> CANCELLED·g. The worker that takes the item makes that
 *             DROPPED·g, and only then is the slot free: no item of an old g can meet a new one.
 *   abort     the pool: CAS RUNNING·w·g -> RUNNING·w·g with ABORT, and wakes the worker
 *   kill      the pool: CAS RUNNING·w·g with ABORT -> DOOMED·w·g, then kills the process. A worker
 *             that finishes the task meanwhile finds DOOMED and takes no other: nobody else's task
 *             dies with it.
 *
 * Death of a worker w, by the sentinel: (1) the pool reads w's whole result ring, so what w put
 * counts, also when w died before DONE. (2) A slot RUNNING·w without a result was the one that ran.
 * (3) A slot QUEUED·g whose item is gone was taken by a worker that has not claimed it: w, or a
 * slow live one. CAS QUEUED·g -> QUEUED·g+1, and the task is put again. A live worker's claim comes
 * before that CAS, and then it fails, or after it, and finds its g stale. So no attempt starts
 * twice, and none is lost. The slot rests afterwards until each worker of that moment has claimed
 * another task or died. Otherwise a worker stopped for 2^19 uses of the slot could meet its own g
 * again.
 *
 * Own ring of a worker w: the tasks that only w may run, because they have a key (keyed-tasks.ts).
 * The pool makes it for the first of them, and then writes PRIVATE_GENERATION and PRIVATE. Both
 * stay as they are until w's death.                        // PUBLISH own ring -> its cell
 * w reads PRIVATE before each take.                        // OBSERVE own ring -> its cell
 * If w retires, is stopped or dies, the pool takes back each slot QUEUED·g of that ring by CAS
 * QUEUED·g -> QUEUED·g+1. w's claim comes before that, and then w runs the task; or it finds its g
 * stale. Such a slot rests until w has died, because w may still take the item until then. Of a
 * dead w no claim can come: all that it had not claimed goes to other workers, in its order.
 *
 * Death of the pool's process: its workers die with it (PR_SET_PDEATHSIG), or are its threads.
 *
 * Sleep of a worker: it sets its IDLE bit with its wait entry filled, and then looks at both rings
 * once more. The pool puts, and then reads IDLE, of w alone after a put into w's own ring.
 *                                                          // PUBLISH idle -> ring
 * One of the two sees the other.                           // OBSERVE idle -> ring
 */

import { cas, glance, load, loadPlain, note, store, storePlain, storeRelease } from '#atomics';
import { LayoutError } from '../errors.ts';
import type { Words } from '../memory/atomics.ts';
import { HEADER_WORDS, Observed, WORKER_WORDS } from './observed.ts';
import {
  ABORT_BIT,
  cancelled,
  done,
  doomed,
  dropped,
  generationOf,
  PHASE,
  phaseOf,
  queued,
  running,
  workerOf,
} from './slot-words.ts';
import { WorkerWords } from './worker-words.ts';

const MAGIC = 0x324b5354;
const MAGIC_WORD = 0;
const SLOTS_WORD = 1;
const WORKERS_WORD = 2;
const FUNCTION_BYTES_WORD = 3;
const FUNCTIONS_WORD = 16;
const IDLE_WORD = 32;
const SLOT_WORDS = 16;

const CURSOR = 1;
const STARTED = 2;
const FUNCTION = 3;
/** FUNCTION of a task whose function is named in its message. */
const NOT_LISTED = -1;
/** FUNCTION of a slot without a task. */
export const NO_TASK = -2;

/** Slots of a pool: tasks that can be handed out at once. */
export const MOST_SLOTS = 1024;
/** Workers of a pool: as many as a namespace has agents. */
export const MOST_WORKERS = 255;
/** Bytes of the list of functions. A function that finds no room there travels with its tasks. */
const FUNCTION_BYTES: number = 64 * 1024;

/** Items of a chunk, at most: the range of half of CURSOR. */
export const MOST_ITEMS = 0x7fff;
const CURSOR_SHIFT = 15;

/** The size of a table, without its workers. */
export interface TableSize {
  readonly slots: number;
  readonly functionBytes: number;
}

const USUAL_SIZE: TableSize = { slots: MOST_SLOTS, functionBytes: FUNCTION_BYTES };

/** Number of words in the table of a pool with at most `workers` workers. */
export function wordsFor(workers: number, { slots, functionBytes }: TableSize = USUAL_SIZE): number {
  return HEADER_WORDS + (workers + 1) * WORKER_WORDS + slots * SLOT_WORDS + functionBytes / 4;
}

/** Whether so many words may be the table of a pool: of what size that is, no other array knows. */
export function isLengthOfTable(words: number): boolean {
  const workers = (words - wordsFor(0)) / WORKER_WORDS;
  return Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS;
}

export class TaskTable {
  readonly words: Words;
  readonly workers: WorkerWords;
  readonly observed: Observed;
  /** Tasks that can be handed out at once. */
  readonly slotCount: number;
  readonly workerCount: number;
  private readonly base: number;
  private readonly slots: number;
  private readonly functions: number;
  private readonly bytesOfFunctions: number;

  /**
   * The table that begins at the word `base`. Throws `LayoutError` unless the words are a pool's.
   */
  constructor(words: Words, base = 0) {
    this.words = words;
    this.base = base;
    const workers = loadPlain(words, base + WORKERS_WORD);
    const slots = loadPlain(words, base + SLOTS_WORD);
    const functionBytes = loadPlain(words, base + FUNCTION_BYTES_WORD);
    const size = { slots, functionBytes };
    const sound =
      words.length > base + HEADER_WORDS &&
      loadPlain(words, base + MAGIC_WORD) === MAGIC &&
      slots >= 1 &&
      slots <= MOST_SLOTS &&
      functionBytes >= 0 &&
      functionBytes <= FUNCTION_BYTES &&
      workers >= 1 &&
      workers <= MOST_WORKERS &&
      words.length >= base + wordsFor(workers, size);
    if (!sound) {
      throw new LayoutError(
        'Pool: refused, its task table does not begin as one; its memory is damaged, make the pool again',
      );
    }
    this.slotCount = slots;
    this.workerCount = workers;
    this.bytesOfFunctions = functionBytes;
    this.workers = new WorkerWords(words, base + HEADER_WORDS, base + IDLE_WORD, workers);
    this.observed = new Observed(words, base, base + HEADER_WORDS);
    this.slots = base + HEADER_WORDS + (workers + 1) * WORKER_WORDS;
    this.functions = this.slots + slots * SLOT_WORDS;
  }

  /** Whether the words begin as a table does. */
  static isTable(words: Words, base = 0): boolean {
    return words.length > base && glance(words, base + MAGIC_WORD) === MAGIC;
  }

  /** Writes the header of a new table. */
  static init(words: Words, workers: number, size: TableSize = USUAL_SIZE, base = 0): void {
    store(words, base + MAGIC_WORD, MAGIC);
    store(words, base + SLOTS_WORD, size.slots);
    store(words, base + WORKERS_WORD, workers);
    store(words, base + FUNCTION_BYTES_WORD, size.functionBytes);
  }

  // Slots: the pool's side.

  state(slot: number): number {
    return load(this.words, this.at(slot));
  }

  /**
   * Fills a free slot. The code that puts the item announces it.
   *
   * @param fn the function's number in the list, for observers
   */
  queue(slot: number, generation: number, items: number, fn: number | string = NOT_LISTED): void {
    const { words } = this;
    const at = this.at(slot);
    storePlain(words, at + STARTED, 0);
    storePlain(words, at + CURSOR, items);
    note(words, at + FUNCTION, typeof fn === 'number' ? fn : NOT_LISTED);
    // PUBLISH slot -> item
    storePlain(words, at, queued(generation));
  }

  /** Takes an unclaimed task back, for another attempt. `false`: a worker has claimed it. */
  requeue(slot: number, generation: number, next: number): boolean {
    return this.change(slot, queued(generation), queued(next));
  }

  /** Notes for observers that the slot has no task, whatever its state says. */
  vacate(slot: number): void {
    note(this.words, this.at(slot) + FUNCTION, NO_TASK);
  }

  /** The number of the task's function, for observers; -1: not known; -2: it has no task. */
  functionIn(slot: number): number {
    return glance(this.words, this.at(slot) + FUNCTION);
  }

  /** Withdraws an unclaimed task. `false`: a worker has claimed it. */
  cancel(slot: number, generation: number): boolean {
    return this.change(slot, queued(generation), cancelled(generation));
  }

  /** Asks the running task to stop. `false`: it does not run, or was already asked. */
  abort(slot: number, generation: number): boolean {
    const state = this.state(slot);
    const runs = phaseOf(state) === PHASE.RUNNING && generationOf(state) === generation;
    if (!runs || (state & ABORT_BIT) !== 0) return false;
    return this.change(slot, state, state | ABORT_BIT);
  }

  /**
   * Marks the task, because its worker is about to be killed. `false`: the task no longer runs.
   */
  doom(slot: number, generation: number): boolean {
    const state = this.state(slot);
    if (phaseOf(state) !== PHASE.RUNNING || generationOf(state) !== generation) return false;
    return this.change(slot, state, doomed(workerOf(state), generation));
  }

  /** Milliseconds of the common clock at which the task began, 31 bits; 0: it has not. */
  started(slot: number): number {
    return load(this.words, this.at(slot) + STARTED);
  }

  // Slots: the worker's side.

  /** Makes the task the worker's. `false`: the item was stale. */
  claim(slot: number, generation: number, worker: number): boolean {
    const before = queued(generation);
    // OBSERVE slot -> item
    const found = cas(this.words, this.at(slot), before, running(worker, generation));
    if (found === before) return true;
    if (found === cancelled(generation)) this.change(slot, found, dropped(generation));
    return false;
  }

  noteStart(slot: number, milliseconds: number): void {
    storePlain(this.words, this.at(slot) + STARTED, milliseconds);
  }

  /**
   * Marks that the result was put. `false`: the worker is about to be killed, and must take nothing
   * more.
   */
  finish(slot: number, generation: number, worker: number): boolean {
    const { words } = this;
    const at = this.at(slot);
    const after = done(worker, generation);
    const before = running(worker, generation);
    let found = cas(words, at, before, after);
    if (found === before) return true;
    if (found === (before | ABORT_BIT)) found = cas(words, at, found, after);
    // Otherwise the pool has already seen the result, and the slot belongs to another task.
    return !(
      phaseOf(found) === PHASE.DOOMED &&
      workerOf(found) === worker &&
      generationOf(found) === generation
    );
  }

  /** Whether the task was asked to stop. */
  isAborted(slot: number, generation: number): boolean {
    const state = loadPlain(this.words, this.at(slot));
    return (
      generationOf(state) === generation && ((state & ABORT_BIT) !== 0 || phaseOf(state) === PHASE.DOOMED)
    );
  }

  // Chunks.

  /**
   * Claims up to `most` items from the front; -1: none is left. The items are `from … from + count
   * - 1`.
   */
  claimItems(slot: number, most: number): { from: number; count: number } | undefined {
    const at = this.at(slot) + CURSOR;
    for (;;) {
      const cursor = load(this.words, at);
      const from = cursor >> CURSOR_SHIFT;
      const end = cursor & MOST_ITEMS;
      if (from >= end) return undefined;
      const count = Math.min(most, end - from);
      if (cas(this.words, at, cursor, cursor + (count << CURSOR_SHIFT)) === cursor) return { from, count };
    }
  }

  /** The next item that has not begun, and the end. */
  cursor(slot: number): { next: number; end: number } {
    const cursor = load(this.words, this.at(slot) + CURSOR);
    return { next: cursor >> CURSOR_SHIFT, end: cursor & MOST_ITEMS };
  }

  /**
   * Cuts off all remaining items except the first `keep(left)`. Returns the items that were cut
   * off; `undefined` if there are none.
   */
  cut(slot: number, keep: (left: number) => number): { from: number; to: number } | undefined {
    const at = this.at(slot) + CURSOR;
    for (;;) {
      const cursor = load(this.words, at);
      const next = cursor >> CURSOR_SHIFT;
      const to = cursor & MOST_ITEMS;
      const from = next + keep(to - next);
      if (from >= to) return undefined;
      if (cas(this.words, at, cursor, (next << CURSOR_SHIFT) | from) === cursor) return { from, to };
    }
  }

  /** Where the CURSOR of the slot lies in `words`. */
  cursorAt(slot: number): number {
    return this.at(slot) + CURSOR;
  }

  // The list of functions.

  get functionBytes(): number {
    return load(this.words, this.base + FUNCTIONS_WORD);
  }

  set functionBytes(bytes: number) {
    // PUBLISH function -> list
    storeRelease(this.words, this.base + FUNCTIONS_WORD, bytes);
  }

  /** The memory of the list. */
  functionList(): Buffer {
    return Buffer.from(this.words.buffer, this.words.byteOffset + this.functions * 4, this.bytesOfFunctions);
  }

  private at(slot: number): number {
    return this.slots + slot * SLOT_WORDS;
  }

  private change(slot: number, before: number, after: number): boolean {
    return cas(this.words, this.at(slot), before, after) === before;
  }
}
