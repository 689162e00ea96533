/**
 * RawBarrier: rounds in which a fixed number of parties meet; the algorithm under Barrier.
 *
 *   word  name      bits                                               written by
 *   +0    STATE     30 LAST_BROKEN | 29 TRIPPING | 28 BROKEN |         anyone, CAS only
 *                   27…12 generation | 11…0 seats taken
 *   +1    TICKETS   counter                                            waiters
 *   +2    OUTCOMES  30…15 generation | bit n: round                    anyone, CAS only
 *                   (generation - 1 - n) was broken
 *   +3    FACTS     13 RECORDED | 12 ACTS | 11…0 parties               the creator
 *   +4    TIMEOUT   milliseconds + 1; 0 = none                         the creator
 *   +5    WHY       30 ACTION_FAILED | 29…8 pid |                      the reaper, the failed
 *                   7…0 slot of the party that died or failed; 0 none  party
 *   detail of the wait entry: 30 SEATED | generation in which the agent sits
 *
 * A party takes a seat by CAS; the one that takes the last moves the generation on and empties the
 * seats in the same CAS, and wakes the others. A waiter is free when the generation has moved. So a
 * fast party that comes again sits in the next round and can't overtake. With an action, the last
 * seat sets TRIPPING, the action runs, and a second CAS moves the generation.
 *
 * A round ends broken when a party times out, aborts, fails in the action or dies in its seat.
 * BROKEN is set by CAS in that generation, which fixes how it ended. A party that arrives during
 * TRIPPING waits for the next round; if it gives up, it sets BROKEN beside TRIPPING. The round
 * whose action runs is not disturbed by that: the CAS that ends it begins the next round broken.
 *
 * `reset` is one CAS: it moves the generation on with LAST_BROKEN set, whether the round was broken
 * before or not. No party sees the barrier broken in between. A resetter killed before the CAS has
 * done nothing; after it, the reaper wakes the waiters.
 *
 * The outcome of a round is in STATE while it lasts, in LAST_BROKEN during the next round, and in
 * OUTCOMES from then on. A party that moves generation g on first brings OUTCOMES to g, by a CAS
 * from g - 1 that takes LAST_BROKEN along. Until OUTCOMES is at g nobody can leave g, so a slow
 * party's CAS fails. Only a party that is more than 15 rounds late may not find its round: it then
 * ended as all known rounds did, or counts as broken.
 *
 * The entry with its generation is filled before the seat is taken. A party that dies in between
 * breaks a round in which it did not sit yet; the round would have lacked it anyway. If the action
 * already runs, that round is complete, so the party first undoes its entry's detail.
 *
 * Race: W times out while L takes the last seat. L moves the generation (L1); W's CAS to BROKEN
 * expects the old one and fails (W1), W finds the round passed. Had W1 come first, L would have
 * found BROKEN and thrown.
 *
 * Race: R resets while F, freed by it, returns immediately. R's CAS is the reset: F is free only
 * after it, and sits in the new round.
 */

import { cas, load, setBits, store } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { wakeAll } from '../../agents/waiters.ts';
import type { Words } from '../../memory/atomics.ts';
import {
  AGENT_PID,
  agentWord,
  CELL_BODY,
  CELL_HEADER,
  CELL_STATE,
  ENTRY_DETAIL,
  HAS_DATA_BIT,
  SLOT_MASK,
} from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import {
  BROKEN_BIT,
  FACTS_WORD,
  GENERATION_MASK,
  GENERATION_SHIFT,
  generationOf,
  SEATS_MASK,
  seatsIn,
  TRIPPING_BIT,
} from './barrier-facts.ts';

const OUTCOMES_WORD: number = CELL_BODY + 2;
/** The parameters of the barrier. */

/** It has an action. */
const ACTS_BIT: number = 1 << 12;
/** Its action can be looked up in its file of data. */
export const RECORDED_BIT: number = 1 << 13;
const TIMEOUT_WORD: number = CELL_BODY + 4;
const WHY_WORD: number = CELL_BODY + 5;

const LAST_BROKEN_BIT: number = 1 << 30;
const SEATED_BIT: number = 1 << 30;
/** In OUTCOMES. */
const RECORDED_SHIFT = 15;
const HISTORY_MASK = 0x7fff;
const HISTORY_KEPT = 15;
const ACTION_FAILED_BIT: number = 1 << 30;
const PID_SHIFT = 8;
const PID_MASK = 0x3fffff;
/** The largest number of parties. */
export const MAX_PARTIES: number = SEATS_MASK;
/** Timeouts from this value on count as unlimited. */
const LONGEST_TIMEOUT = 1 << 30;

/** Whether this round is broken. */
export function isBroken(state: number): boolean {
  return (state & (BROKEN_BIT | TRIPPING_BIT)) === BROKEN_BIT;
}

/**
 * Whether a newcomer is refused: this round is broken, or the next one, while the action of this
 * one runs.
 */
export function isRefusing(state: number): boolean {
  return (state & BROKEN_BIT) !== 0;
}

function isTripping(state: number): boolean {
  return (state & TRIPPING_BIT) !== 0;
}

/** The state of an empty round, without LAST_BROKEN. */
function atGeneration(generation: number): number {
  return (generation & GENERATION_MASK) << GENERATION_SHIFT;
}

/** The way in which a party has arrived. */
export type Arrival =
  | { readonly role: 'waits' | 'trips' | 'acts'; readonly index: number; readonly generation: number }
  /** The action of a full round runs: come again when the generation has moved. */
  | { readonly role: 'early'; readonly generation: number };

/** The parameters of a new barrier. */
export interface BarrierFacts {
  readonly parties: number;
  /** Default timeout in milliseconds. */
  readonly timeout: number;
  /** Whether there is an action. */
  readonly acts: boolean;
}

/** Fills a new cell. */
export function initBarrier({ words, at }: Place, { parties, timeout, acts }: BarrierFacts): void {
  store(words, at + FACTS_WORD, parties | (acts ? ACTS_BIT : 0));
  // Set it before there is any file of its action, so that the agent that frees the cell removes
  // the files.
  if (acts) setBits(words, at + CELL_HEADER, HAS_DATA_BIT);
  if (timeout < LONGEST_TIMEOUT) store(words, at + TIMEOUT_WORD, Math.ceil(Math.max(0, timeout)) + 1);
}

export function stateOf({ words, at }: Cell): number {
  return load(words, at + CELL_STATE);
}

export function partiesOf({ words, at }: Cell): number {
  return load(words, at + FACTS_WORD) & SEATS_MASK;
}

/** Whether the barrier was made with an action. */
export function hasAction({ words, at }: Cell): boolean {
  return (load(words, at + FACTS_WORD) & ACTS_BIT) !== 0;
}

/** Default timeout in milliseconds; `undefined` without a limit. */
export function timeoutOf({ words, at }: Cell): number | undefined {
  const stored = load(words, at + TIMEOUT_WORD);
  return stored === 0 ? undefined : stored - 1;
}

/**
 * The party that broke the round, if known: it died in its seat, or failed in the action.
 */
export interface Breaker {
  readonly pid: number;
  readonly slot: number;
  readonly failed: boolean;
}

export function breakerOf({ words, at }: Cell): Breaker | undefined {
  const why = load(words, at + WHY_WORD);
  if (why === 0) return undefined;
  return {
    pid: (why >> PID_SHIFT) & PID_MASK,
    slot: why & SLOT_MASK,
    failed: (why & ACTION_FAILED_BIT) !== 0,
  };
}

/**
 * Takes a seat, with the wait entry filled; `acts`: the last party runs an action. `undefined` if
 * the barrier is broken.
 */
export function takeSeat(cell: Cell, acts: boolean): Arrival | undefined {
  const { words, at } = cell;
  const parties = partiesOf(cell);
  const before = cell.ownDetail;
  for (;;) {
    const state = stateOf(cell);
    const generation = generationOf(state);
    const index = seatsIn(state);
    if (isRefusing(state) || isTripping(state)) {
      // Restore the detail: another call of this agent may sit in the round whose action runs.
      cell.setDetail(before);
      return isRefusing(state) ? undefined : { role: 'early', generation };
    }
    cell.setDetail(SEATED_BIT | generation);
    if (index + 1 < parties) {
      if (cas(words, at + CELL_STATE, state, state + 1) === state)
        return { role: 'waits', index, generation };
    } else if (acts) {
      if (cas(words, at + CELL_STATE, state, (state + 1) | TRIPPING_BIT) === state)
        return { role: 'acts', index, generation };
    } else if (moveOn(cell, state, 0)) return { role: 'trips', index, generation };
  }
}

/** Ends the round after its action. Returns `false` if it was broken meanwhile. */
export function finishRound(cell: Cell, generation: number): boolean {
  for (;;) {
    const state = stateOf(cell);
    if (generationOf(state) !== generation || !isTripping(state)) return false;
    if (moveOn(cell, state, state & BROKEN_BIT)) return true;
  }
}

/** Begins a new round; breaks the present one, if a party sits in it. */
export function renewRound(cell: Cell): void {
  const { words, at } = cell;
  for (;;) {
    const why = load(words, at + WHY_WORD);
    const state = stateOf(cell);
    if (seatsIn(state) === 0 && !isRefusing(state)) return;
    if (why !== 0) cas(words, at + WHY_WORD, why, 0);
    if (moveOn(cell, state, LAST_BROKEN_BIT)) return;
  }
}

/**
 * Begins the round after that which `state` shows, with those bits of STATE, unless the state has
 * changed.
 */
function moveOn(cell: Cell, state: number, bits: number): boolean {
  const { words, at, agent } = cell;
  const generation = generationOf(state);
  const outcomes = load(words, at + OUTCOMES_WORD);
  // If OUTCOMES is elsewhere, another party has brought it up to date, and perhaps moved on.
  if (outcomes >> RECORDED_SHIFT === ((generation - 1) & GENERATION_MASK)) {
    const history = ((outcomes << 1) | (state & LAST_BROKEN_BIT ? 1 : 0)) & HISTORY_MASK;
    cas(words, at + OUTCOMES_WORD, outcomes, (generation << RECORDED_SHIFT) | history);
  }
  // PUBLISH outcome -> generation
  if (cas(words, at + CELL_STATE, state, atGeneration(generation + 1) | bits) !== state) return false;
  wakeAll(agent, cell);
  return true;
}

/** Whether the round, which `state` shows to be over, ended broken. */
export function wasBroken({ words, at }: Cell, state: number, generation: number): boolean {
  if (generationOf(state) === ((generation + 1) & GENERATION_MASK)) return (state & LAST_BROKEN_BIT) !== 0;
  // OBSERVE outcome -> generation
  const outcomes = load(words, at + OUTCOMES_WORD);
  const ago = ((outcomes >> RECORDED_SHIFT) - 1 - generation) & GENERATION_MASK;
  if (ago < HISTORY_KEPT) return ((outcomes >> ago) & 1) !== 0;
  return (outcomes & HISTORY_MASK) !== 0;
}

/** Breaks the barrier if it still is in that generation, and wakes all. */
export function breakRound(cell: Cell, generation: number): void {
  if (breakIn(cell.words, cell.at, generation)) wakeAll(cell.agent, cell);
}

/** The same by the party whose action has failed. */
export function failRound(cell: Cell, generation: number): void {
  const { words, at, agent } = cell;
  const broke = breakBecauseOf(words, at, generation, ACTION_FAILED_BIT | identify(process.pid, agent.slot));
  if (broke) wakeAll(agent, cell);
}

/** Breaks the round after that generation, while its action runs or has run. */
export function breakNext(cell: Cell, generation: number): void {
  const { words, at, agent } = cell;
  for (;;) {
    const state = stateOf(cell);
    // The round has moved on: break the next one below.
    if (generationOf(state) !== generation) break;
    if (isRefusing(state)) return;
    // Mark the next round as broken while the action still runs.
    if (cas(words, at + CELL_STATE, state, state | BROKEN_BIT) !== state) continue;
    wakeAll(agent, cell);
    return;
  }
  breakRound(cell, (generation + 1) & GENERATION_MASK);
}

/** Breaks the barrier if it still is in that generation. Returns whether this call did it. */
function breakIn(words: Words, at: number, generation: number): boolean {
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (generationOf(state) !== generation || isBroken(state)) return false;
    const broken = atGeneration(generation) | BROKEN_BIT | (state & LAST_BROKEN_BIT);
    if (cas(words, at + CELL_STATE, state, broken) === state) return true;
  }
}

/** Breaks the round in which the dead agent sat. */
export function withdrawParty(
  namespace: Namespace,
  { words, at }: Place,
  dead: number,
  entryWords: Words,
  entry: number,
): void {
  const detail = load(entryWords, entry + ENTRY_DETAIL);
  if ((detail & SEATED_BIT) === 0) return;
  const generation = detail & GENERATION_MASK;
  if (generationOf(load(words, at + CELL_STATE)) !== generation) return;
  const pid = load(namespace.words, agentWord(dead) + AGENT_PID);
  breakBecauseOf(words, at, generation, identify(pid, dead));
}

function identify(pid: number, slot: number): number {
  return ((pid & PID_MASK) << PID_SHIFT) | slot;
}

/**
 * Breaks the round if the barrier still is in that generation, and records the party in WHY.
 * Returns whether this call did it.
 */
function breakBecauseOf(words: Words, at: number, generation: number, why: number): boolean {
  const state = load(words, at + CELL_STATE);
  if (generationOf(state) !== generation || isBroken(state)) return false;
  store(words, at + WHY_WORD, why);
  if (breakIn(words, at, generation)) return true;
  // Clear WHY if the round was over: the next break has another reason.
  if (generationOf(load(words, at + CELL_STATE)) !== generation) cas(words, at + WHY_WORD, why, 0);
  return false;
}
