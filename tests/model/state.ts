/**
 * State: everything that tells one moment of a modelled run from another, as one Int32Array.
 *
 *   budgets   what may still happen: deaths, timeouts, naps
 *   sums      hash of the shared words, kept with every change of one (visited.ts)
 *   actors    12 words each: where it is, what the kernel keeps for it, and a hash of all that its
 *             code has seen
 *   ghosts    words that only the scenario writes, to check the library against
 *   shared    words of shared memory, each given its place when it is first touched; untouched
 *             words are 0
 *
 * The knowledge of an actor's code is a function of the results that its operations have returned,
 * as it is run again from its start with just these. So two states whose arrays are equal have the
 * same future.
 */

import { CONTROL_WORDS } from './internals.ts';

export type State = Int32Array<ArrayBuffer>;

export const MAX_ACTORS = 8;
export const ACTOR_WORDS = 12;
export const GHOSTS = 24;

// Budgets.
export const DEATHS_LEFT = 0;
export const TIMEOUTS_LEFT = 1;
export const NAPS_LEFT = 2;

/** Hash of the shared words: the sum of what `change` adds for each. */
export const SUM_A = 4;
export const SUM_B = 5;
export const SUM_C = 6;
export const ACTORS = 8;

// Words of an actor.
export const STATUS = 0;
/** Word of shared memory on which it sleeps, or IN_BERTH. */
export const SLEEPS_ON = 1;
export const IN_BERTH = -1;
/**
 * 1 + the result with which its last operation returns when it goes on; 0: it goes on by doing its
 * next operation.
 */
export const RESULT = 2;
/** Its doorbell: 1 + the set of cells rung, bit 0 for everything; 0: no bell hangs. */
export const BELL = 3;
/** 1 + the actor that has the kernel's lock of its slot, taken after its death; 0: nobody. */
export const SLOT_LOCK = 4;
/** The choices of its event loop besides answering the bell. */
export const IMMEDIATES = 5;
export const TIMERS = 6;
export const INTERVALS = 7;
/** Hash of the results that its operations have returned. */
export const HASH = 8;
export const HASH_WORDS = 3;
/** 1: a byte lies in the FIFO of its berth. */
export const ROUSED = 11;

export const RUNNING = 0;
export const ASLEEP = 1;
export const IDLE = 2;
export const AWAITS_DEATH = 3;
export const DONE = 4;
export const DEAD = 5;

const FIRST_GHOST = ACTORS + MAX_ACTORS * ACTOR_WORDS;
export const FIRST_SHARED = FIRST_GHOST + GHOSTS;
export const CAPACITY = 2048;

const places = new Int32Array(CONTROL_WORDS);
const words: number[] = [];

/** First word of actor `actor`. */
export function actorWord(actor: number): number {
  return ACTORS + actor * ACTOR_WORDS;
}

export function ghostsOf(state: State): State {
  return state.subarray(FIRST_GHOST, FIRST_GHOST + GHOSTS);
}

/** Where word `at` of the control segment lies in the state. */
export function placeOf(at: number): number {
  const place = places[at]!;
  return place === 0 ? assign(at) : place;
}

/** Words of the control segment that were touched so far. */
export function touchedWords(): readonly number[] {
  return words;
}

/** Words of a state that may differ from 0. */
export function usedWords(): number {
  return FIRST_SHARED + words.length;
}

export function newState(): State {
  return new Int32Array(CAPACITY);
}

/** A copy that is kept: only as long as needed. */
export function snapshot(state: State): State {
  return state.slice(0, usedWords());
}

/** Makes `state` what the snapshot says. */
export function restore(state: State, from: State): void {
  state.set(from);
  state.fill(0, from.length, usedWords());
}

/** Gives a word of shared memory another value, and the sums what that makes of them. */
export function change(state: State, place: number, value: number): void {
  const before = state[place]!;
  if (before === value) return;
  state[place] = value;
  state[SUM_A] = state[SUM_A]! + mixedA(place, value) - mixedA(place, before);
  state[SUM_B] = state[SUM_B]! + mixedB(place, value) - mixedB(place, before);
  state[SUM_C] = state[SUM_C]! + mixedC(place, value) - mixedC(place, before);
}

/**
 * The summands of a word in the first sum of a state's hash, and to the second and the third.
 * Nothing if it is 0.
 */
export function mixedA(word: number, value: number): number {
  if (value === 0) return 0;
  let mixed = Math.imul(value ^ Math.imul(word, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

export function mixedB(word: number, value: number): number {
  if (value === 0) return 0;
  let mixed = Math.imul(value + Math.imul(word, 0x7feb352d), 0x846ca68b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return mixed ^ (mixed >>> 14);
}

export function mixedC(word: number, value: number): number {
  if (value === 0) return 0;
  let mixed = Math.imul(value ^ Math.imul(word, 0x297a2d39), 0x1b873593);
  mixed = Math.imul(mixed ^ (mixed >>> 14), 0x7ed55d17);
  return mixed ^ (mixed >>> 15);
}

export function mix(hash: number, value: number, salt: number): number {
  let mixed = Math.imul(hash ^ salt, 0x85ebca6b) ^ Math.imul(value + 0x7ed55d16, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  mixed = Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
  return mixed ^ (mixed >>> 15);
}

function assign(at: number): number {
  const place = FIRST_SHARED + words.length;
  if (place >= CAPACITY) throw new Error('the model has too few words; raise CAPACITY');
  places[at] = place;
  words.push(at);
  return place;
}
