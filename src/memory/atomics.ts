/**
 * The one file that touches words of shared memory.
 *
 * Algorithms import it as `#atomics`, so that a test can run the same algorithms on another memory (one that steps
 * through interleavings, or that kills the process at the k-th operation). Every operation is sequentially consistent,
 * as all JavaScript atomics are. Each function is small enough for V8 to inline.
 */

/** Shared memory seen as 32-bit words. */
export type Words = Int32Array<ArrayBuffer>;

export function load(words: Words, at: number): number {
  return Atomics.load(words, at);
}

export function store(words: Words, at: number, value: number): void {
  Atomics.store(words, at, value);
}

/** Compare and swap: writes `desired` if the word holds `expected`; returns what it held. */
export function cas(words: Words, at: number, expected: number, desired: number): number {
  return Atomics.compareExchange(words, at, expected, desired);
}

/** Adds; returns the value before. */
export function add(words: Words, at: number, value: number): number {
  return Atomics.add(words, at, value);
}

/** Sets the bits of `mask`; returns the value before. */
export function setBits(words: Words, at: number, mask: number): number {
  return Atomics.or(words, at, mask);
}

/** Clears the bits of `mask`; returns the value before. */
export function clearBits(words: Words, at: number, mask: number): number {
  return Atomics.and(words, at, ~mask);
}
