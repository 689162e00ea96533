/**
 * The variant of `src/memory/atomics.ts` by which a process dies at the k-th operation on shared
 * memory. Chosen by the import condition `lockstep-crash`, so the library has no hook for it.
 *
 * A load is a point once: reading a word again that still holds what was read last, with nothing
 * written in between, leaves everything as it was, and is none. So a spinning wait, which looks a
 * hundred times at one word, has one point there.
 */

import type { ElementOperation, FloatElement, IntegerElement, Words } from '#atomics';
import { isArmed, point, pointOfReading } from './countdown.ts';

export type { ElementOperation, FloatElement, IntegerElement, Words };

type Atomics = typeof import('#atomics');

const real: Atomics = await import(new URL('../../../build/src/memory/atomics.js', import.meta.url).href);

/** The values of words when they were read, since the last write of this process. */
const read = new Map<object, Map<number, unknown>>();

export function load(words: Words, at: number): number {
  return reading('load', words, at, real.load(words, at));
}

export function store(words: Words, at: number, value: number): void {
  writing('store');
  real.store(words, at, value);
}

export function loadPlain(words: Words, at: number): number {
  return reading('loadPlain', words, at, real.loadPlain(words, at));
}

export function storePlain(words: Words, at: number, value: number): void {
  writing('storePlain');
  real.storePlain(words, at, value);
}

export function note(words: Words, at: number, value: number): void {
  writing('note');
  real.note(words, at, value);
}

/** No point to crash at: no algorithm depends on it. */
export const { glance } = real;

export function loadAcquire(words: Words, at: number): number {
  return reading('loadAcquire', words, at, real.loadAcquire(words, at));
}

export function storeRelease(words: Words, at: number, value: number): void {
  writing('storeRelease');
  real.storeRelease(words, at, value);
}

export function cas(words: Words, at: number, expected: number, desired: number): number {
  writing('cas');
  return real.cas(words, at, expected, desired);
}

export function add(words: Words, at: number, value: number): number {
  writing('add');
  return real.add(words, at, value);
}

export function setBits(words: Words, at: number, mask: number): number {
  writing('setBits');
  return real.setBits(words, at, mask);
}

export function clearBits(words: Words, at: number, mask: number): number {
  writing('clearBits');
  return real.clearBits(words, at, mask);
}

export function loadElement(element: IntegerElement, at = 0): number | bigint {
  return reading('loadElement', element, at, real.loadElement(element, at));
}

export function storeElement(element: IntegerElement, value: number | bigint, at = 0): void {
  writing('storeElement');
  real.storeElement(element, value, at);
}

export function loadFloat(element: FloatElement, at = 0): number {
  return reading('loadFloat', element, at, real.loadFloat(element, at));
}

export function storeFloat(element: FloatElement, value: number, at = 0): void {
  writing('storeFloat');
  real.storeFloat(element, value, at);
}

export function changeElement(
  element: IntegerElement,
  operation: ElementOperation,
  value: number | bigint,
): number | bigint {
  writing(operation);
  return real.changeElement(element, operation, value);
}

export function compareExchangeElement(
  element: IntegerElement,
  expected: number | bigint,
  desired: number | bigint,
): number | bigint {
  writing('compareExchangeElement');
  return real.compareExchangeElement(element, expected, desired);
}

/**
 * A point, unless the word was read before. When the process dies nobody can use the value that it
 * read.
 */
function reading<Value>(what: string, memory: object, at: number, value: Value): Value {
  if (!isArmed()) return value;
  const words = read.get(memory) ?? new Map<number, unknown>();
  read.set(memory, words);
  if (words.has(at) && words.get(at) === value) return value;
  pointOfReading(what);
  words.set(at, value);
  return value;
}

function writing(what: string): void {
  if (!isArmed()) return;
  point(what);
  read.clear();
}
