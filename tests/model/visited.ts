/**
 * Visited: the states that were explored, each with the number of preemptions that were left then.
 *
 * Kept as 96-bit hashes (hash compaction): two different states among n are taken for one with a
 * probability below n² / 2^97.
 */

import type { State } from './state.ts';
import { FIRST_SHARED, mixedA, mixedB, mixedC, SUM_A, SUM_B, SUM_C } from './state.ts';

const HASH_WORDS = 3;
const FIRST_CAPACITY = 1 << 14;

/** The hash of a state, without the next actor. */
export class Key {
  a = 0;
  b = 0;
  c = 0;

  /**
   * Sets it to the hash of the state: that of the shared words is kept in it, that of the few
   * others is made here.
   */
  of(state: State): void {
    let a = state[SUM_A]!;
    let b = state[SUM_B]!;
    let c = state[SUM_C]!;
    for (let word = 0; word < FIRST_SHARED; word++) {
      const value = state[word]!;
      if (value === 0 || (word >= SUM_A && word <= SUM_C)) continue;
      a = (a + mixedA(word, value)) | 0;
      b = (b + mixedB(word, value)) | 0;
      c = (c + mixedC(word, value)) | 0;
    }
    this.a = a;
    this.b = b;
    this.c = c;
  }
}

export class Visited {
  /** Number of states. */
  size = 0;
  private capacity: number;
  private hashes: Int32Array;
  /** Preemptions left + 1; 0: the place is empty. */
  private left: Uint8Array;

  /**
   * `before`: the states that an earlier search has visited. Their number is the least room that
   * this one needs.
   */
  constructor(before?: Visited) {
    this.capacity = before === undefined ? FIRST_CAPACITY : before.capacity;
    this.hashes = new Int32Array(this.capacity * HASH_WORDS);
    this.left = new Uint8Array(this.capacity);
  }

  /**
   * Notes the state with `runner` next. Returns whether it was noted before with as many
   * preemptions left, or more.
   */
  add(key: Key, runner: number, left: number): boolean {
    const place = this.find(key, runner);
    const known = this.left[place]!;
    if (known > left) return true;
    this.left[place] = left + 1;
    if (known > 0) return false;
    const first = place * HASH_WORDS;
    this.hashes[first] = key.a;
    this.hashes[first + 1] = key.b;
    this.hashes[first + 2] = key.c + runner;
    if (++this.size * 3 > this.capacity * 2) this.grow();
    return false;
  }

  /** Whether the state was noted with as many preemptions left, or more. */
  has(key: Key, runner: number, left: number): boolean {
    return this.left[this.find(key, runner)]! > left;
  }

  private find({ a, b, c }: Key, runner: number): number {
    const last = (c + runner) | 0;
    const mask = this.capacity - 1;
    for (let place = (a ^ Math.imul(last, 0x9e3779b1)) & mask; ; place = (place + 1) & mask) {
      if (this.left[place] === 0) return place;
      const first = place * HASH_WORDS;
      if (this.hashes[first] === a && this.hashes[first + 1] === b && this.hashes[first + 2] === last)
        return place;
    }
  }

  private grow(): void {
    const { hashes, left } = this;
    this.capacity *= 2;
    this.hashes = new Int32Array(this.capacity * HASH_WORDS);
    this.left = new Uint8Array(this.capacity);
    const key = new Key();
    for (let place = 0; place < left.length; place++) {
      if (left[place] === 0) continue;
      const first = place * HASH_WORDS;
      key.a = hashes[first]!;
      key.b = hashes[first + 1]!;
      key.c = hashes[first + 2]!;
      const to = this.find(key, 0);
      this.left[to] = left[place]!;
      this.hashes.set(hashes.subarray(first, first + HASH_WORDS), to * HASH_WORDS);
    }
  }
}
