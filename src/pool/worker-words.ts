/**
 * Worker words: the part of a pool's table that concerns its workers: their orders, their own rings
 * and their sleep. For who writes which word, and when, see task-table.ts.
 */

import { clearBits, load, loadPlain, setBits, store } from '#atomics';
import type { Words } from '../memory/atomics.ts';
import { WORKER_WORDS } from './observed.ts';

const ORDER = 0;
const PRIVATE = 1;
const PRIVATE_GENERATION = 2;
const ABORTED = 3;

export const STOP = 1;

export class WorkerWords {
  private readonly words: Words;
  /** Where the words of worker 0 begin. No worker has that number. */
  private readonly first: number;
  /** Where the words of the IDLE bits begin. */
  private readonly idle: number;
  private readonly lastIdleWord: number;

  constructor(words: Words, first: number, idle: number, workers: number) {
    this.words = words;
    this.first = first;
    this.idle = idle;
    this.lastIdleWord = workers >> 5;
  }

  order(worker: number): number {
    return loadPlain(this.words, this.ofWorker(worker) + ORDER);
  }

  setOrder(worker: number, order: number): void {
    store(this.words, this.ofWorker(worker) + ORDER, order);
  }

  /** Resets the words of a worker that begins in this place. */
  begin(worker: number): void {
    this.setOrder(worker, 0);
    store(this.words, this.ofWorker(worker) + ABORTED, 0);
  }

  /** Notes that the worker's process ends itself by `process.abort`. */
  noteAbort(worker: number): void {
    store(this.words, this.ofWorker(worker) + ABORTED, 1);
  }

  hasAborted(worker: number): boolean {
    return load(this.words, this.ofWorker(worker) + ABORTED) !== 0;
  }

  /** The cell of the worker's own task ring; `undefined`: it has none. */
  privateRing(worker: number): { number: number; generation: number } | undefined {
    const at = this.ofWorker(worker);
    // OBSERVE own ring -> its cell
    const number = load(this.words, at + PRIVATE);
    return number === 0 ? undefined : { number, generation: load(this.words, at + PRIVATE_GENERATION) };
  }

  setPrivateRing(worker: number, ring: { number: number; generation: number } | undefined): void {
    const at = this.ofWorker(worker);
    store(this.words, at + PRIVATE_GENERATION, ring?.generation ?? 0);
    // PUBLISH own ring -> its cell
    store(this.words, at + PRIVATE, ring?.number ?? 0);
  }

  /** Notes that the worker is about to sleep. */
  setIdle(worker: number): void {
    // PUBLISH idle -> ring
    setBits(this.words, this.idle + (worker >> 5), 1 << (worker & 31));
  }

  clearIdle(worker: number): void {
    clearBits(this.words, this.idle + (worker >> 5), 1 << (worker & 31));
  }

  /** Whether a worker sleeps, or is about to. */
  get isOneIdle(): boolean {
    // OBSERVE idle -> ring
    for (let word = 0; word <= this.lastIdleWord; word++)
      if (load(this.words, this.idle + word) !== 0) return true;
    return false;
  }

  /** Whether the worker sleeps, or is about to. */
  isIdle(worker: number): boolean {
    return (load(this.words, this.idle + (worker >> 5)) & (1 << (worker & 31))) !== 0;
  }

  /** Whether the worker sleeps; its mark is cleared. */
  takeIdleOf(worker: number): boolean {
    const bit = 1 << (worker & 31);
    // OBSERVE idle -> ring
    return (clearBits(this.words, this.idle + (worker >> 5), bit) & bit) !== 0;
  }

  /** A sleeping worker, whose mark is cleared; 0: none. */
  takeIdle(): number {
    for (let word = 0; word <= this.lastIdleWord; word++) {
      // OBSERVE idle -> ring
      for (let bits = load(this.words, this.idle + word); bits !== 0; ) {
        const bit = bits & -bits;
        const before = clearBits(this.words, this.idle + word, bit);
        if ((before & bit) !== 0) return word * 32 + 31 - Math.clz32(bit);
        bits = before;
      }
    }
    return 0;
  }

  private ofWorker(worker: number): number {
    return this.first + worker * WORKER_WORDS;
  }
}
