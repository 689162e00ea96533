/**
 * Visited: the states that were explored, each with the number of preemptions that were left then.
 *
 * Kept as 96-bit hashes (hash compaction): two different states among n are taken for one with a
 * probability below n² / 2^97.
 */

import type { State } from './state.ts';
import { usedWords } from './state.ts';

const HASH_WORDS = 3;
const FIRST_CAPACITY = 1 << 14;

/** The hash of a state, without who runs next. */
export class Key {
  a = 0;
  b = 0;
  c = 0;

  /**
   * Sets it to the hash of the state. Words that are 0 count for nothing, so a state need not know
   * how many there are.
   */
  of(state: State): void {
    let a = 0;
    let b = 0;
    let c = 0;
    for (let word = 0, used = usedWords(); word < used; word++) {
      const value = state[word]!;
      if (value === 0) continue;
      let mixed = Math.imul(value ^ Math.imul(word, 0x9e3779b1), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      mixed ^= mixed >>> 16;
      a = (a + mixed) | 0;
      let other = Math.imul(value + Math.imul(word, 0x7feb352d), 0x846ca68b);
      other = Math.imul(other ^ (other >>> 15), 0x2c1b3c6d);
      other ^= other >>> 14;
      b = (b + other) | 0;
      c = (c + Math.imul(mixed ^ Math.imul(other, 0x297a2d39), 0x1b873593)) | 0;
      c ^= c >>> 11;
    }
    this.a = a;
    this.b = b;
    this.c = c;
  }
}

export class Visited {
  /** Number of states. */
  size = 0;
  private capacity = FIRST_CAPACITY;
  private hashes = new Int32Array(FIRST_CAPACITY * HASH_WORDS);
  /** Preemptions left + 1; 0: the place is empty. */
  private left = new Uint8Array(FIRST_CAPACITY);

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
