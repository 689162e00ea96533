/**
 * RawLock: one owning agent at a time; the algorithm under Lock and RLock.
 *
 * Words: lock-words.ts.
 *
 * Algorithm: a barging mutex with three states, as in Drepper's "Futexes Are Tricky". Its waiters
 * sleep in their own agents (parking_lot), and its owner is in the word (as in POSIX robust
 * mutexes).
 *
 *   take      CAS 0 -> me.
 *   wait      fill the wait entry, then `attempt`: take if free, else set WAITERS by CAS. Sleep
 *             only if that CAS saw an owner.
 *   release   CAS me -> 0. With WAITERS: the mark goes with the owner, in the same CAS, and the
 *             oldest waiter is woken. While that waiter wakes up, the lock has its fast paths
 *             again, and no other waiter is woken. It sets WAITERS again, whether it takes the lock
 *             (others may wait) or sleeps again.
 *   FAIR      set by a waiter that was woken, found the lock taken again, and has waited for over
 *             half a millisecond. The next release keeps the lock for the oldest waiter, newcomers
 *             queue. Set also by the release of a thread that has passed over a waiter for half a
 *             millisecond (barging.ts): that waiter may not have had a processor to run on. FAIR is
 *             only a policy: the oldest waiter takes by CAS like every other, and if it is gone or
 *             idle, others take the lock after an interval.
 *
 * Invariant: if an agent sleeps with its entry filled, then WAITERS is set, or another waiter is
 * awake. That one sets it when it takes, sleeps or gives up, or wakes the next if it gives up and
 * finds the lock free. If a waiter dies meanwhile, the reaper wakes all waiters.
 *
 * Race: W fills its entry (W1) and sees an owner with WAITERS set (W2), so it sleeps. R releases:
 * clears WAITERS with the owner (R1), then looks for entries (R2). R1 comes after W2, as W2 saw the
 * mark, so R2 comes after W1 and sees the entry.
 *
 * A dead owner's word is freed by the reaper with RECOVERED set, which the next hold reports.
 */

import { cas, load, store } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Pressure } from '../../agents/wait.ts';
import { MOMENT, PRESSURE } from '../../agents/wait.ts';
import { isFirst, oldestWaiter, wakeOldest } from '../../agents/waiters.ts';
import { tell } from '../../channels.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import { Barging } from '../../waiting/barging.ts';
import type { Taking } from '../../waiting/taking.ts';
import {
  clearWant,
  DEPTH_WORD,
  FAIR_BIT,
  isFair,
  isFree,
  markSignal,
  ownerOf,
  RECOVERED_BIT,
  WAITERS_BIT,
  writeWant,
} from './lock-words.ts';
import type { Scope, Scoped, Want } from './scope.ts';
import { currentScope, TOP } from './scope.ts';

/** The state of a holding that a condition gives up for a while. */
export interface Suspended {
  readonly turn: number;
  readonly depth: number;
  readonly scope: Scope;
  /** Whether the present hold has reported that the holder before died inside. */
  readonly isTold: boolean;
}

/** Is called at each acquisition of a lock that records them. */
export interface Watcher {
  taken(lock: RawLock): void;
}

export class RawLock implements Taking, Scoped {
  readonly backsOff: number = MOMENT;
  readonly cell: Cell;
  readonly me: number;
  /** The present holding of this agent, by which a hold knows whether it is still the one. */
  turn = 0;
  /** Holdings of this agent so far. */
  turns = 0;
  /** Whether the last acquisition found RECOVERED, left by a dead owner. */
  recovered = false;
  /** The holding that has found it, or saw it on return from the wait of a condition; 0 none. */
  private told = 0;
  /** The scope of the present holding. */
  scope: Scope = TOP;
  /** Whether WANTS has a record of this agent. */
  private wanting = false;
  private readonly watcher: Watcher | undefined;
  /** Measures how this agent passes over waiters. */
  readonly barging: Barging = new Barging();

  constructor(cell: Cell, watcher: Watcher | undefined) {
    this.cell = cell;
    this.me = cell.agent.slot;
    this.watcher = watcher;
  }

  /** The cell's RawLock: one in each agent. `watcherFor` returns its watcher, when it is made. */
  static of(cell: Cell, watcherFor?: (cell: Cell) => Watcher | undefined): RawLock {
    if (cell.extension instanceof RawLock) return cell.extension;
    const made = new RawLock(cell, watcherFor?.(cell));
    cell.extension = made;
    return made;
  }

  get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  /** Begins a holding of this agent, in the current scope; returns its turn. */
  begin(): number {
    this.turn = ++this.turns;
    this.scope = currentScope();
    if (this.scope !== TOP || this.wanting || this.watcher !== undefined) this.note();
    return this.turn;
  }

  /**
   * Begins a holding after a slow path. Returns whether a holder has died inside before it.
   */
  beginTold(): boolean {
    this.begin();
    if (this.recovered) {
      this.told = this.turn;
      tell('recovered', () => this.cell.about());
    }
    return this.recovered;
  }

  /** Gives up the present holding for a while, except in the state word. */
  suspend(depth: number): Suspended {
    const { turn, scope, isTold } = this;
    return { turn, depth, scope, isTold };
  }

  /** Resumes a holding that was given up for a while. */
  resume({ turn, scope, isTold }: Suspended): void {
    this.turn = turn;
    this.scope = scope;
    if (isTold || this.recovered) this.told = turn;
    this.note();
  }

  /** Whether this agent's present hold has reported that a holder died inside. */
  get isTold(): boolean {
    return this.told === this.turn;
  }

  /** Takes the lock if it is free and not reserved. */
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

  /**
   * Gives this agent's holding of the cell back by one compare-and-swap; `false` if it is not held,
   * or has waiters.
   */
  release({ words, at }: Cell): boolean {
    if (this.wanting) this.unwant();
    // The next call that is served has the lock before it continues; until then its scope is
    // unknown.
    this.scope = TOP;
    return this.barging.isShort(this.turns) && cas(words, at + CELL_STATE, this.me, 0) === this.me;
  }

  /**
   * Frees the lock, even if another agent owns it, and wakes up the oldest waiter. Returns `false`
   * if it was free.
   */
  free(): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (isFree(state)) return false;
      // Mark it before the release: the owner may take the lock again immediately, and is not the
      // only one that can free it.
      if (ownerOf(state) !== this.me) markSignal(this.cell);
      const giveWay = this.barging.isTooLong(this.turns) && this.oldest() !== undefined;
      if (cas(words, at + CELL_STATE, state, giveWay ? FAIR_BIT : state & FAIR_BIT) !== state) continue;
      if (giveWay) this.barging.giveWay();
      else if ((state & WAITERS_BIT) !== 0) this.barging.begin(this.turns);
      else return true;
      // OBSERVE entry -> WAITERS
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
        // If it is awake for another reason, leave the lock to the first waiter, and make sure that
        // one is awake.
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
      // Set the mark again: if this was the woken waiter, the mark is gone, and others may wait.
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

  isHeld(turn: number): boolean {
    return turn === this.turn && !this.cell.closed && ownerOf(this.state) === this.me;
  }

  noteWant(want: Want | undefined): void {
    const { cell, me } = this;
    // An object of another namespace has no place in the word.
    if (want !== undefined && want.folder === cell.agent.folder) {
      this.wanting = true;
      writeWant(cell, me, want.cell, want.ticket);
    } else if (this.wanting) this.unwant();
  }

  private unwant(): void {
    this.wanting = false;
    clearWant(this.cell);
  }

  /** Keeps the records of a holding that has begun. */
  private note(): void {
    // Another thread has released the holding in which WANTS was written.
    if (this.wanting) this.unwant();
    if (this.scope !== TOP || this.watcher !== undefined) this.scope.hold(this, this.turn);
    this.watcher?.taken(this);
  }

  private took(before: number): true {
    this.recovered = (before & RECOVERED_BIT) !== 0;
    return true;
  }

  private oldest(): ReturnType<typeof oldestWaiter> {
    return oldestWaiter(this.cell.agent.namespace, this.cell);
  }
}
