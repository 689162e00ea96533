/**
 * RawLock: one owning agent at a time; the algorithm under Lock and RLock.
 *
 *   word   name        bits                                                              written by
 *   +0     STATE       30 WAITERS | 29 FAIR | 28 RECOVERED | 7…0 owner slot              anyone, CAS only
 *   +1     TICKETS     counter: who came first                                           waiters
 *   +2     RECOVERIES  counter                                                           the reaper
 *   +3     DEPTH       how often the owner has taken it (RLock; for others to read)       the owner
 *
 * Algorithm: a barging mutex (three states as in Drepper's "Futexes Are Tricky") whose waiters sleep in their own agents
 * (parking_lot), with an owner in the word (as in POSIX robust mutexes).
 *
 *   take      CAS 0 -> me.
 *   wait      fill the wait entry, then `attempt`: take if free, else set WAITERS by CAS. Sleep only if that CAS saw an owner.
 *   release   CAS me -> 0. With WAITERS: the mark goes with the owner, in the same CAS, and the oldest waiter is woken. While it
 *             is on its way the lock has its fast paths again, and nobody else is woken. It sets WAITERS anew, whether it
 *             takes (others may wait) or sleeps again.
 *   FAIR      set by a waiter that was woken, found the lock taken again, and has waited for over half a millisecond: the next
 *             release keeps the lock for the oldest waiter, newcomers queue. Set also by the release of who has passed over a waiter
 *             for half a millisecond (barging.ts), as that may not have got a processor to run on. It is a policy, nothing is owned by it: the oldest
 *             waiter takes by CAS like anyone, and if it is gone or idle others take after an interval.
 *
 * Invariant: if an agent sleeps with its entry filled, then WAITERS is set, or another waiter is awake that will set it when it
 * takes, sleeps or gives up, or wake the next if it gives up and finds the lock free. A waiter that dies meanwhile: the
 * reaper wakes everybody.
 *
 * Race: W fills its entry (W1) and sees an owner with WAITERS set (W2), so it sleeps. R releases: clears WAITERS with the owner
 * (R1), then looks for entries (R2). R1 comes after W2, as W2 saw the mark, so R2 comes after W1 and sees the entry.
 *
 * A dead owner's word is freed by the reaper with RECOVERED set, which the next taker is told.
 */

import { add, cas, load, store } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Namespace } from '../agents/namespace.ts';
import type { Pressure } from '../agents/wait.ts';
import { PRESSURE } from '../agents/wait.ts';
import { isFirst, oldestWaiter, wakeOldest } from '../agents/waiters.ts';
import type { Place } from '../memory/arena.ts';
import { CELL_BODY, CELL_STATE, SLOT_MASK } from '../memory/layout.ts';
import { Barging } from './barging.ts';
import type { Taking } from './taking.ts';

export const RECOVERIES_WORD: number = CELL_BODY + 2;
export const DEPTH_WORD: number = CELL_BODY + 3;

export const WAITERS_BIT: number = 1 << 30;
export const FAIR_BIT: number = 1 << 29;
const RECOVERED_BIT = 1 << 28;
const OWNER_MASK = SLOT_MASK;

export function ownerOf(state: number): number {
  return state & OWNER_MASK;
}

function isFree(state: number): boolean {
  return (state & OWNER_MASK) === 0;
}

function isFair(state: number): boolean {
  return (state & FAIR_BIT) !== 0;
}

export class RawLock implements Taking {
  readonly backsOff = true;
  readonly cell: Cell;
  readonly me: number;
  /** The present holding of this agent, by which a hold knows whether it is still the one. */
  turn = 0;
  /** Holdings of this agent so far. */
  turns = 0;
  /** Whether the last taking found what a dead owner left. */
  recovered = false;
  /** How this agent passes over those who wait. */
  readonly barging: Barging = new Barging();

  constructor(cell: Cell) {
    this.cell = cell;
    this.me = cell.agent.slot;
  }

  /** The cell's RawLock: one in each agent. */
  static of(cell: Cell): RawLock {
    if (cell.extension instanceof RawLock) return cell.extension;
    const made = new RawLock(cell);
    cell.extension = made;
    return made;
  }

  get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  /** Releases by one compare-and-swap, where nobody waits and no other mark is set. */
  freeFast(): boolean {
    const { cell, me } = this;
    return this.barging.isShort(this.turns) && cas(cell.words, cell.at + CELL_STATE, me, 0) === me;
  }

  /** Begins a holding of this agent; returns its turn. */
  begin(): number {
    this.turn = ++this.turns;
    return this.turn;
  }

  /** Takes the lock if it is free and kept for nobody. */
  tryTake(): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (!isFree(state)) return false;
      if (isFair(state) && this.oldest() !== undefined) return false;
      const taken = (state & WAITERS_BIT) | this.me;
      if (cas(words, at + CELL_STATE, state, taken) === state) return this.took(state);
    }
  }

  /** Frees the lock, whoever owns it, and wakes the oldest waiter. Returns `false` if it was free. */
  free(): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (isFree(state)) return false;
      const giveWay = this.barging.isTooLong(this.turns) && this.oldest() !== undefined;
      if (cas(words, at + CELL_STATE, state, giveWay ? FAIR_BIT : state & FAIR_BIT) !== state) continue;
      if (giveWay) this.barging.giveWay();
      else if ((state & WAITERS_BIT) !== 0) this.barging.begin(this.turns);
      else return true;
      wakeOldest(this.cell.agent, this.cell);
      return true;
    }
  }

  peek(): boolean {
    return isFree(this.state);
  }

  attempt(pressure: Pressure): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (isFree(state)) {
        // Awake for another reason than its turn, it leaves the lock to who came first, and sees to it that that one is awake.
        if (pressure !== PRESSURE.IMPATIENT && !isFirst(this.cell.agent, this.cell)) return false;
        if (cas(words, at + CELL_STATE, state, WAITERS_BIT | this.me) !== state) continue;
        this.barging.waited(pressure === PRESSURE.IMPATIENT);
        return this.took(state);
      }
      const fair = pressure === PRESSURE.NONE ? 0 : FAIR_BIT;
      const marked = state | WAITERS_BIT | fair;
      // PUBLISH entry -> WAITERS
      if (marked === state || cas(words, at + CELL_STATE, state, marked) === state) return false;
    }
  }

  abandon(): void {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (isFree(state)) {
        wakeOldest(this.cell.agent, this.cell);
        return;
      }
      // This may have been the waiter that was woken: then the mark is gone, and others may wait.
      const marked = state | WAITERS_BIT;
      if (marked === state || cas(words, at + CELL_STATE, state, marked) === state) return;
    }
  }

  taken(): void {}

  hurried(): void {
    this.barging.begin(this.turns);
  }

  suspect(): number {
    return ownerOf(this.state);
  }

  setDepth(depth: number): void {
    store(this.cell.words, this.cell.at + DEPTH_WORD, depth);
  }

  private took(before: number): true {
    this.recovered = (before & RECOVERED_BIT) !== 0;
    return true;
  }

  private oldest(): ReturnType<typeof oldestWaiter> {
    return oldestWaiter(this.cell.agent.namespace, this.cell);
  }
}

/** Frees the lock if the dead agent owned it, and leaves word of that to the next owner. */
export function recoverLock(_namespace: Namespace, { words, at }: Place, dead: number): void {
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (ownerOf(state) !== dead) return;
    const freed = (state & (WAITERS_BIT | FAIR_BIT)) | RECOVERED_BIT;
    if (cas(words, at + CELL_STATE, state, freed) !== state) continue;
    add(words, at + RECOVERIES_WORD, 1);
    return;
  }
}
