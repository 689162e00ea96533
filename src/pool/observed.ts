/**
 * Observed: the words of a task table that are for observers outside (`lockstep why`, `ps`, `ls`,
 * `show`). No algorithm reads them, and no wake-up depends on them.
 *
 *   header  +4    OWNER        slot of the pool's agent                        the pool, once
 *           +5    TASKS        cell of its task ring, +6 its generation        the same
 *           +7    WAITING      tasks that wait in the pool's heap              the pool
 *           +64   TEXT_BYTES   bytes of the text that follows: JSON            the pool, once
 *           +128  8 calls with items, of 4 words each                          the pool
 *   call    +0    FUNCTION     1 + its number in the list; -1 none; 0 no call
 *           +1    WHAT         the method, by its place in `METHODS`
 *           +2    TOTAL        items; -1 not known
 *           +3    DONE         items that have an outcome
 *   worker  +4    PID          0: it has ended                                 the pool
 *           +5    THREAD       `threadId`; 0 the main thread                   the pool
 *           +6    RESULTS      cell of its result ring, +7 its generation      the pool
 *           +8    BEGAN        ms of the clock all share                       the pool
 *           +9    READY        1: its initializer is done                      the worker
 *   slot    +3    FUNCTION     its number in the list; -1 it travels with the task; -2 no task
 *                                                            the pool, before it writes QUEUED
 *
 * An observer reads the table twice. A slot whose STATE is the same both times has not changed
 * hands between, so the FUNCTION that was read with the first STATE belongs to it. A writer that
 * dies between two writes leaves old facts. Those of a dead pool are not shown. A slot that a dead
 * worker was running keeps its STATE until the pool uses it again. Its worker's PID is 0 then, or
 * BEGAN is later than the task's STARTED.
 */

import { glance, note } from '#atomics';
import type { Words } from '../memory/atomics.ts';

const OWNER = 4;
const TASKS = 5;
const TASKS_GENERATION = 6;
const WAITING = 7;
const TEXT_BYTES = 64;
const TEXT = 65;
const MOST_TEXT = 252;
/** Characters of a pool's name. */
const MOST_NAME = 100;
const CALLS = 128;
const CALL_WORDS = 4;
const MOST_CALLS = 8;
/** Words of a table's header. */
export const HEADER_WORDS: number = CALLS + MOST_CALLS * CALL_WORDS;

const PID = 4;
const THREAD = 5;
const RESULTS = 6;
const RESULTS_GENERATION = 7;
const BEGAN = 8;
const READY = 9;
/** Words of one worker. */
export const WORKER_WORDS = 16;

/** The methods that call a function for many items, and `stream`. */
const METHODS = ['', 'map', 'mapSync', 'starmap', 'each', 'imap', 'imapUnordered', 'stream'] as const;

/** A cell, and which of the objects that lived in it. */
export interface CellRef {
  readonly number: number;
  readonly generation: number;
}

/** The facts in the text on a pool. */
export interface PoolAbout {
  readonly kind: 'Pool' | 'ThreadPool';
  readonly name: string | undefined;
  /** The name of its initializer. */
  readonly initializer: string | undefined;
}

/** A call with items. */
export interface CallSeen {
  /** The number of its function in the list; -1 none. */
  readonly fn: number;
  readonly what: string;
  /** `null`: not known. */
  readonly total: number | null;
  readonly done: number;
}

/** A worker that lives, as far as the pool knows. */
export interface WorkerSeen {
  readonly pid: number;
  readonly threadId: number;
  readonly results: CellRef;
  /** Common milliseconds. */
  readonly began: number;
  readonly isReady: boolean;
}

export class Observed {
  private readonly words: Words;
  private readonly base: number;
  private readonly workers: number;

  /** @param workers where the words of worker 0 begin */
  constructor(words: Words, base: number, workers: number) {
    this.words = words;
    this.base = base;
    this.workers = workers;
  }

  // The pool's side.

  /** Notes whose pool it is. A name that is too long is cut. */
  begin(owner: number, tasks: CellRef, { name, ...about }: PoolAbout): void {
    const { words, base } = this;
    let json: Buffer;
    let length = MOST_NAME;
    do {
      json = Buffer.from(JSON.stringify({ ...about, name: name?.slice(0, length) }));
      length = length >> 1;
    } while (json.length > MOST_TEXT && length > 0);
    note(words, base + OWNER, owner);
    note(words, base + TASKS, tasks.number);
    note(words, base + TASKS_GENERATION, tasks.generation);
    if (json.length > MOST_TEXT) return;
    json.copy(Buffer.from(words.buffer, words.byteOffset + (base + TEXT) * 4, MOST_TEXT));
    note(words, base + TEXT_BYTES, json.length);
  }

  noteWaiting(tasks: number): void {
    note(this.words, this.base + WAITING, tasks);
  }

  /** Notes a call with items; returns its place, -1: there is none left. */
  beginCall(what: string, fn: number | string, total: number | undefined): number {
    const { words } = this;
    for (let place = 0; place < MOST_CALLS; place++) {
      const at = this.call(place);
      if (glance(words, at) !== 0) continue;
      note(words, at + 1, METHODS.indexOf(what as 'map'));
      note(words, at + 2, total ?? -1);
      note(words, at + 3, 0);
      note(words, at, typeof fn === 'number' ? fn + 1 : -1);
      return place;
    }
    return -1;
  }

  noteDone(place: number, items: number): void {
    note(this.words, this.call(place) + 3, items);
  }

  endCall(place: number): void {
    note(this.words, this.call(place), 0);
  }

  /** Notes that a worker begins. */
  beginWorker(worker: number, pid: number, threadId: number, results: CellRef, began: number): void {
    const { words } = this;
    const at = this.worker(worker);
    note(words, at + THREAD, threadId);
    note(words, at + RESULTS, results.number);
    note(words, at + RESULTS_GENERATION, results.generation);
    note(words, at + BEGAN, began);
    note(words, at + PID, pid);
  }

  /** Notes that the worker in that place has ended. */
  endWorker(worker: number): void {
    note(this.words, this.worker(worker) + PID, 0);
    note(this.words, this.worker(worker) + READY, 0);
  }

  // The worker's side.

  noteReady(worker: number): void {
    note(this.words, this.worker(worker) + READY, 1);
  }

  // The observer's side: any word may be damaged.

  get owner(): number {
    return glance(this.words, this.base + OWNER);
  }

  get tasks(): CellRef {
    return this.cellAt(this.base + TASKS);
  }

  get waiting(): number {
    return Math.max(0, glance(this.words, this.base + WAITING));
  }

  /** The text that `begin` was given; empty if it was too long. */
  get text(): string {
    const { words, base } = this;
    const length = Math.max(0, Math.min(glance(words, base + TEXT_BYTES), MOST_TEXT));
    return Buffer.from(words.buffer, words.byteOffset + (base + TEXT) * 4, length).toString('utf8');
  }

  get calls(): CallSeen[] {
    const calls: CallSeen[] = [];
    for (let place = 0; place < MOST_CALLS; place++) {
      const at = this.call(place);
      const fn = glance(this.words, at);
      if (fn === 0) continue;
      const total = glance(this.words, at + 2);
      calls.push({
        fn: fn < 0 ? -1 : fn - 1,
        what: METHODS[glance(this.words, at + 1)] ?? '',
        total: total < 0 ? null : total,
        done: Math.max(0, glance(this.words, at + 3)),
      });
    }
    return calls;
  }

  /** `undefined`: there is none in that place. */
  workerIn(worker: number): WorkerSeen | undefined {
    const { words } = this;
    const at = this.worker(worker);
    const pid = glance(words, at + PID);
    if (pid <= 0) return undefined;
    return {
      pid,
      threadId: glance(words, at + THREAD),
      results: this.cellAt(at + RESULTS),
      began: glance(words, at + BEGAN),
      isReady: glance(words, at + READY) === 1,
    };
  }

  private cellAt(at: number): CellRef {
    return { number: glance(this.words, at), generation: glance(this.words, at + 1) };
  }

  private call(place: number): number {
    return this.base + CALLS + place * CALL_WORDS;
  }

  private worker(worker: number): number {
    return this.workers + worker * WORKER_WORDS;
  }
}
