/**
 * The variant of `src/memory/atomics.ts` whose words are the model's. Chosen by the import
 * condition `lockstep-model`.
 */

import type { ElementOperation, FloatElement, IntegerElement, Words } from '#atomics';
import { machine, OP, segment } from './machine.ts';

export type { ElementOperation, FloatElement, IntegerElement, Words };

type Atomics = typeof import('#atomics');

const real: Atomics = await import(new URL('../../../build/src/memory/atomics.js', import.meta.url).href);

const modelled = segment.words;

export function load(words: Words, at: number): number {
  return words === modelled ? machine.operate(OP.LOAD, at, 0, 0) : real.load(words, at);
}

export function store(words: Words, at: number, value: number): void {
  if (words === modelled) machine.operate(OP.STORE, at, value, 0);
  else real.store(words, at, value);
}

export function loadPlain(words: Words, at: number): number {
  return words === modelled ? machine.operate(OP.LOAD, at, 0, 0) : real.loadPlain(words, at);
}

export function storePlain(words: Words, at: number, value: number): void {
  if (words === modelled) machine.operate(OP.STORE, at, value, 0);
  else real.storePlain(words, at, value);
}

/** No algorithm reads it: in the model it would only multiply the states. */
export function note(words: Words, at: number, value: number): void {
  if (words !== modelled) real.note(words, at, value);
}

/** No algorithm depends on it. */
export function glance(words: Words, at: number): number {
  return words === modelled ? 0 : real.glance(words, at);
}

// The model's memory is sequentially consistent.
export { load as loadAcquire, store as storeRelease };

export function cas(words: Words, at: number, expected: number, desired: number): number {
  return words === modelled
    ? machine.operate(OP.CAS, at, expected, desired)
    : real.cas(words, at, expected, desired);
}

export function add(words: Words, at: number, value: number): number {
  return words === modelled ? machine.operate(OP.ADD, at, value, 0) : real.add(words, at, value);
}

export function setBits(words: Words, at: number, mask: number): number {
  return words === modelled ? machine.operate(OP.SET_BITS, at, mask, 0) : real.setBits(words, at, mask);
}

export function clearBits(words: Words, at: number, mask: number): number {
  return words === modelled ? machine.operate(OP.CLEAR_BITS, at, mask, 0) : real.clearBits(words, at, mask);
}

// Elements of values are no part of any algorithm of waiting.
export const { loadElement, storeElement, loadFloat, storeFloat, changeElement, compareExchangeElement } =
  real;
