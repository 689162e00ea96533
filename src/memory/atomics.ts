/**
 * The one file that touches words of shared memory.
 *
 * Algorithms import it as `#atomics`, so that a test can run the same algorithms on another memory.
 * One steps through interleavings, another kills the process at the k-th operation. Every operation
 * is sequentially consistent, as all JavaScript atomics are, except the five whose names promise
 * less. Each function is small enough for V8 to inline.
 */

/** Shared memory seen as 32-bit words. */
export type Words = Int32Array<ArrayBuffer>;

/** Whether the processor keeps loads in order, and stores. */
const IN_ORDER: boolean = process.arch === 'x64' || process.arch === 'ia32';

export function load(words: Words, at: number): number {
  return Atomics.load(words, at);
}

export function store(words: Words, at: number, value: number): void {
  Atomics.store(words, at, value);
}

/**
 * Reads without order, at a fifth of a load's cost. Use it for words that can't change meanwhile,
 * or where a later atomic operation detects an old value.
 */
export function loadPlain(words: Words, at: number): number {
  return words[at]!;
}

/** Writes without order. Use it for words that a later atomic operation publishes. */
export function storePlain(words: Words, at: number, value: number): void {
  words[at] = value;
}

/** Writes, without order, a word for observers outside: no algorithm reads it. */
export function note(words: Words, at: number, value: number): void {
  words[at] = value;
}

/** Reads, without order, a word that is written only from outside: no algorithm depends on it. */
export function glance(words: Words, at: number): number {
  return words[at]!;
}

/**
 * Reads, before all later reads and writes of this thread.
 *
 * On x64 every load acquires and every store releases: neither loads nor stores are reordered with
 * their like (Intel 64 Architecture Software Developer's Manual, volume 3, "Memory Ordering"). V8
 * keeps accesses to typed arrays in their order. `Atomics` does more, by a call each.
 */
export function loadAcquire(words: Words, at: number): number {
  return IN_ORDER ? words[at]! : Atomics.load(words, at);
}

/**
 * Writes, after all earlier reads and writes of this thread. Later reads may be done before it.
 */
export function storeRelease(words: Words, at: number, value: number): void {
  if (IN_ORDER) words[at] = value;
  else Atomics.store(words, at, value);
}

/** Compare and swap: writes `desired` if the word holds `expected`; returns the previous value. */
export function cas(words: Words, at: number, expected: number, desired: number): number {
  return Atomics.compareExchange(words, at, expected, desired);
}

/** Adds; returns the previous value. */
export function add(words: Words, at: number, value: number): number {
  return Atomics.add(words, at, value);
}

/** Sets the bits of `mask`; returns the previous value. */
export function setBits(words: Words, at: number, mask: number): number {
  return Atomics.or(words, at, mask);
}

/** Clears the bits of `mask`; returns the previous value. */
export function clearBits(words: Words, at: number, mask: number): number {
  return Atomics.and(words, at, ~mask);
}

/** A view of elements in shared memory, of a type that has atomic operations. */
export type IntegerElement =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;
export type FloatElement = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;
/** The effect of an operation on an element. */
export type ElementOperation = 'add' | 'sub' | 'and' | 'or' | 'xor' | 'exchange';

type AnyInteger = Int32Array<ArrayBuffer>;

export function loadElement(element: IntegerElement, at = 0): number | bigint {
  return Atomics.load(element as AnyInteger, at);
}

export function storeElement(element: IntegerElement, value: number | bigint, at = 0): void {
  Atomics.store(element as AnyInteger, at, value as number);
}

/** Aligned loads and stores of up to 64 bits are not torn on any processor that Node runs on. */
export function loadFloat(element: FloatElement, at = 0): number {
  return element[at]!;
}

export function storeFloat(element: FloatElement, value: number, at = 0): void {
  element[at] = value;
}

/** Changes the element by one atomic operation; returns the previous value. */
export function changeElement(
  element: IntegerElement,
  operation: ElementOperation,
  value: number | bigint,
): number | bigint {
  return Atomics[operation](element as AnyInteger, 0, value as number);
}

export function compareExchangeElement(
  element: IntegerElement,
  expected: number | bigint,
  desired: number | bigint,
): number | bigint {
  return Atomics.compareExchange(element as AnyInteger, 0, expected as number, desired as number);
}
