/**
 * RawBarrier: rounds in which a fixed number of parties meet; the algorithm under Barrier.
 *
 *   word   name      bits                                                            written by
 *   +0     STATE     29 TRIPPING | 28 BROKEN | 27…12 generation | 11…0 seats taken     anyone, CAS only
 *   +1     TICKETS   counter                                                         waiters
 *   +2     OUTCOMES  bit (generation mod 16): that round was broken                  whoever ends a round
 *   +3     PARTIES   number                                                          the creator
 *   +4     TIMEOUT   milliseconds + 1; 0 = none                                      the creator
 *   +5     DIED      30…8 pid | 7…0 slot of the party that died; 0 none              the reaper
 *   detail of the wait entry: 30 SEATED | generation in which the agent sits
 *
 * A party takes a seat by CAS; the one that takes the last moves the generation on and empties the seats in the same CAS, and wakes the
 * others. A waiter is free when the generation has moved, so a fast party that comes again sits in the next round and can't
 * overtake. With an action, the last seat sets TRIPPING, the action runs, and a second CAS moves the generation.
 *
 * A round ends broken when a party times out, aborts, fails in the action or dies in its seat: BROKEN is set by CAS in that
 * generation, which fixes how it ended; `reset` then writes the round's bit in OUTCOMES and moves the generation. A waiter that
 * wakes after that reads the bit. Who is about to move the generation clears the bit of the round that comes 8 later, not that of
 * the next: it may be overtaken, and must not then clear what has been written of the next. Who is 8 rounds late reads a wrong bit.
 *
 * The entry with its generation is filled before the seat is taken. A party that dies in between breaks a round in which it
 * did not sit yet; the round would have lacked it anyway.
 *
 * Race: W times out while L takes the last seat. L moves the generation (L1); W's CAS to BROKEN expects the old one and fails (W1),
 * W finds the round passed. Had W1 come first, L would have found BROKEN and thrown.
 */

import { cas, clearBits, load, setBits, store } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { wakeAll } from '../../agents/waiters.ts';
import type { Place } from '../../memory/arena.ts';
import type { Words } from '../../memory/atomics.ts';
import { AGENT_PID, agentWord, CELL_BODY, CELL_STATE, ENTRY_DETAIL, SLOT_MASK } from '../../memory/layout.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import { StateWait } from '../../waiting/state-wait.ts';

const OUTCOMES_WORD: number = CELL_BODY + 2;
const PARTIES_WORD: number = CELL_BODY + 3;
const TIMEOUT_WORD: number = CELL_BODY + 4;
const DIED_WORD: number = CELL_BODY + 5;

const SEATS_MASK = 0xfff;
const GENERATION_SHIFT = 12;
const GENERATION_MASK = 0xffff;
const BROKEN_BIT: number = 1 << 28;
const TRIPPING_BIT: number = 1 << 29;
const SEATED_BIT: number = 1 << 30;
const OUTCOMES_KEPT = 16;
/** Rounds by which an outcome's bit is cleared before it is written. */
const OUTCOMES_AHEAD = 8;
const PID_SHIFT = 8;
/** The largest number of parties. */
export const MAX_PARTIES: number = SEATS_MASK;
/** Timeouts from this on are none. */
const LONGEST_TIMEOUT = 1 << 30;

export function seatsIn(state: number): number {
  return state & SEATS_MASK;
}

export function generationOf(state: number): number {
  return (state >> GENERATION_SHIFT) & GENERATION_MASK;
}

export function isBroken(state: number): boolean {
  return (state & BROKEN_BIT) !== 0;
}

function isTripping(state: number): boolean {
  return (state & TRIPPING_BIT) !== 0;
}

function atGeneration(generation: number): number {
  return (generation & GENERATION_MASK) << GENERATION_SHIFT;
}

function outcomeBit(generation: number): number {
  return 1 << (generation % OUTCOMES_KEPT);
}

/** How a party has come in. */
export type Arrival =
  | { readonly role: 'waits' | 'trips' | 'acts'; readonly index: number; readonly generation: number }
  /** The action of a full round runs: come again when the generation has moved. */
  | { readonly role: 'early'; readonly generation: number };

export class RoundWait extends StateWait {
  /** Whether the round ended broken; known once `attempt` has returned `true`. */
  broken = false;
  protected readonly generation: number;

  constructor(cell: Cell, generation: number) {
    super(cell);
    this.generation = generation;
  }

  override peek(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    return generationOf(state) !== this.generation || isBroken(state);
  }

  override attempt(): boolean {
    const { words, at } = this.cell;
    const state = load(words, at + CELL_STATE);
    if (generationOf(state) === this.generation) {
      this.broken = isBroken(state);
      return this.broken;
    }
    this.broken = (load(words, at + OUTCOMES_WORD) & outcomeBit(this.generation)) !== 0;
    return true;
  }
}

/** The wait of a party that sits in the round. */
export class SeatedWait extends RoundWait {
  /** While the entry still tells of the seat: a party that dies between the two would leave the seat taken by nobody. */
  resign(): void {
    breakRound(this.cell, this.generation);
  }
}

/** Fills a new cell. `timeout`: milliseconds that a wait takes where it is given none. */
export function initBarrier({ words, at }: Place, parties: number, timeout: number): void {
  store(words, at + PARTIES_WORD, parties);
  if (timeout < LONGEST_TIMEOUT) store(words, at + TIMEOUT_WORD, Math.ceil(Math.max(0, timeout)) + 1);
}

export function stateOf({ words, at }: Cell): number {
  return load(words, at + CELL_STATE);
}

export function partiesOf({ words, at }: Cell): number {
  return load(words, at + PARTIES_WORD);
}

/** Milliseconds that a wait takes where it is given none; `undefined` without a limit. */
export function timeoutOf({ words, at }: Cell): number | undefined {
  const stored = load(words, at + TIMEOUT_WORD);
  return stored === 0 ? undefined : stored - 1;
}

/** Who has died in its seat in a round that was broken by that. */
export function diedIn({ words, at }: Cell): { pid: number; slot: number } | undefined {
  const died = load(words, at + DIED_WORD);
  return died === 0 ? undefined : { pid: died >> PID_SHIFT, slot: died & SLOT_MASK };
}

/** Takes a seat, with the wait entry filled; `acts`: the last one is to run an action. `undefined` where the barrier is broken. */
export function takeSeat(cell: Cell, acts: boolean): Arrival | undefined {
  const { words, at } = cell;
  const parties = partiesOf(cell);
  for (;;) {
    const state = stateOf(cell);
    const generation = generationOf(state);
    const index = seatsIn(state);
    if (isBroken(state)) return undefined;
    if (isTripping(state)) return { role: 'early', generation };
    cell.setDetail(SEATED_BIT | generation);
    if (index + 1 < parties) {
      if (cas(words, at + CELL_STATE, state, state + 1) === state)
        return { role: 'waits', index, generation };
    } else if (acts) {
      if (cas(words, at + CELL_STATE, state, (state + 1) | TRIPPING_BIT) === state)
        return { role: 'acts', index, generation };
    } else if (moveOn(cell, state)) return { role: 'trips', index, generation };
  }
}

/** Ends the round after its action. Returns `false` if it was broken meanwhile. */
export function finishRound(cell: Cell, generation: number): boolean {
  const state = stateOf(cell);
  return generationOf(state) === generation && !isBroken(state) && moveOn(cell, state);
}

/** Begins a new round; breaks the present one, if somebody sits in it. */
export function renewRound(cell: Cell): void {
  const { words, at, agent } = cell;
  for (;;) {
    const state = stateOf(cell);
    const generation = generationOf(state);
    if (seatsIn(state) === 0 && !isBroken(state)) return;
    if (!isBroken(state)) {
      breakRound(cell, generation);
      continue;
    }
    setBits(words, at + OUTCOMES_WORD, outcomeBit(generation));
    clearBits(words, at + OUTCOMES_WORD, outcomeBit(generation + OUTCOMES_AHEAD));
    store(words, at + DIED_WORD, 0);
    if (cas(words, at + CELL_STATE, state, atGeneration(generation + 1)) !== state) continue;
    wakeAll(agent, cell);
    return;
  }
}

/** Ends the round that `state` shows as passed, unless the state has changed. */
function moveOn(cell: Cell, state: number): boolean {
  const { words, at, agent } = cell;
  const generation = generationOf(state);
  clearBits(words, at + OUTCOMES_WORD, outcomeBit(generation + OUTCOMES_AHEAD));
  if (cas(words, at + CELL_STATE, state, atGeneration(generation + 1)) !== state) return false;
  wakeAll(agent, cell);
  return true;
}

/** Breaks the barrier if it still is in that generation, and wakes all. */
export function breakRound(cell: Cell, generation: number): void {
  if (breakIn(cell.words, cell.at, generation)) wakeAll(cell.agent, cell);
}

/** Breaks the barrier if it still is in that generation. Returns whether this call did it. */
function breakIn(words: Words, at: number, generation: number): boolean {
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (generationOf(state) !== generation || isBroken(state)) return false;
    if (cas(words, at + CELL_STATE, state, atGeneration(generation) | BROKEN_BIT) === state) return true;
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
  store(words, at + DIED_WORD, (pid << PID_SHIFT) | dead);
  breakIn(words, at, generation);
}
