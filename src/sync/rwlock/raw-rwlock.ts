/**
 * RawRWLock: many readers or one writer; the algorithm under RWLock.
 *
 *   word     name     bits                                                written by
 *   +0       STATE    30 WAITERS | 29 FAIR | 28 RECOVERED | 26 PENDING |  anyone, CAS only
 *                     7…0 writer's slot
 *   +1       TICKETS  counter: order of arrival                             waiters
 *   +2       MARKS    0 READERS_FIRST                                     the creator
 *   +3       READERS  first of the two cells with the readers' bits       the creator
 *   permits           a bit per agent that reads                          that agent; the reaper
 *
 * Algorithm: a writer's word and a reader's bit. The agent that sets one looks at the other
 * (Dekker), so that every holder is on record and can be recovered. The marks and the waiting are
 * those of raw-lock.ts.
 *
 *   read      set the own bit, then look for a writer                   // PUBLISH reader -> writer
 *             there is one: clear the bit, wake that writer (it may have seen the bit), set
 *             WAITERS, sleep
 *   write     CAS 0 -> me with PENDING: from now on no reader comes in  // PUBLISH writer -> reader
 *             then look at all bits
 *             none: CAS PENDING away, the lock is held. Otherwise sleep, until the last reader
 *             wakes the pending writer
 *   unread    clear the bit when the last reader of the agent leaves, then look for a pending
 *             writer, and wake it
 *   unwrite   CAS me -> 0, WAITERS goes with it, and the oldest waiter is woken. A reader that
 *             comes in wakes the next one, and so on until it is a writer's turn
 *
 * With READERS_FIRST a writer does not shut the readers out while it waits for them. It claims the
 * word only when it has seen no bit, and gives it up again when a reader was faster. All waiters
 * are woken whenever the lock may have become free.
 *
 * Invariant: a sleeping reader has seen a writer in the word after it has set WAITERS. A sleeping
 * writer is the pending one and has seen a reader's bit, or with READERS_FIRST has seen a bit after
 * it has set WAITERS. The agent that removes that writer or bit wakes the sleeper, or wakes an
 * agent that will.
 *
 * Race: R sets its bit (R1), W claims (W1), R sees W (R2) and W sees the bit (W2): both back off? R
 * clears its bit (R3) and then wakes W; W fills its entry before it looks, so it either sees the
 * bit cleared or is woken after R3. W's claim stays, so R waits.
 *
 * A dead writer's word is freed by the reaper, with RECOVERED only if it was not PENDING: a pending
 * writer has changed nothing. A dead reader's bit is cleared.
 */

import { cas, clearBits, load, setBits } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Pressure } from '../../agents/wait.ts';
import { PRESSURE } from '../../agents/wait.ts';
import { findEntry } from '../../agents/wait-table.ts';
import { isFirst, oldestWaiter, wake, wakeAll, wakeOldest } from '../../agents/waiters.ts';
import { AGENT_SLOTS, CELL_STATE } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import type { ExtraWord } from '../../objects/extra-words.ts';
import { eachExtraWord, extraWordsOf } from '../../objects/extra-words.ts';
import { FAIR_BIT, isFair, ownerOf, RECOVERED_BIT, WAITERS_BIT } from '../lock/lock-words.ts';
import { MARKS_WORD, PENDING_BIT, READER_WORDS, READERS_FIRST_BIT } from './rwlock-facts.ts';

export class RawRWLock {
  readonly cell: Cell;
  /** Whether the last write found RECOVERED, left by a dead writer. */
  recovered = false;
  private readonly me: number;
  private readonly readersFirst: boolean;
  private readonly readers: readonly ExtraWord[];
  private readonly mine: ExtraWord;
  private readonly myBit: number;
  /** Reads of this agent. */
  private inside = 0;
  /** The call whose claim stands in the word, PENDING. */
  private claimant: object | undefined;

  private constructor(cell: Cell) {
    const { slot, namespace } = cell.agent;
    this.cell = cell;
    this.me = slot;
    this.readersFirst = (load(cell.words, cell.at + MARKS_WORD) & READERS_FIRST_BIT) !== 0;
    this.readers = extraWordsOf(namespace, cell, READER_WORDS, 'RWLock');
    this.mine = this.readers[slot >> 5]!;
    this.myBit = 1 << (slot & 31);
  }

  /** The cell's RawRWLock: one in each agent. */
  static of(cell: Cell): RawRWLock {
    if (cell.extension instanceof RawRWLock) return cell.extension;
    const made = new RawRWLock(cell);
    cell.extension = made;
    return made;
  }

  /** Whether readers now find RECOVERED, left by a dead writer. */
  get damaged(): boolean {
    return (this.state & RECOVERED_BIT) !== 0;
  }

  /** Slots of the agents that read. */
  get readerSlots(): number[] {
    const slots: number[] = [];
    for (let slot = 1; slot < AGENT_SLOTS; slot++) {
      const { words, at } = this.readers[slot >> 5]!;
      if ((load(words, at) & (1 << (slot & 31))) !== 0) slots.push(slot);
    }
    return slots;
  }

  /** Whether no writer is there, or about to be. */
  get open(): boolean {
    return ownerOf(this.state) === 0;
  }

  /** Whether no agent reads. */
  get drained(): boolean {
    const last = this.cell.agent.namespace.highSlot >> 5;
    for (let word = 0; word <= last; word++) {
      const { words, at } = this.readers[word]!;
      if (load(words, at) !== 0) return false;
    }
    return true;
  }

  /**
   * One more read beside one of the same flow, or within its write: the lock can't be closed to it.
   */
  readAgain(): void {
    if (this.inside++ === 0) setBits(this.mine.words, this.mine.at, this.myBit);
  }

  /** Comes in to read, unless a writer is there, or a waiter has to come first. */
  tryRead(): boolean {
    const { state } = this;
    // Leave the bit alone: a bit that comes and goes would wake a pending writer needlessly.
    if (ownerOf(state) !== 0) return false;
    if (isFair(state) && this.oldest() !== undefined) return false;
    return this.comeIn();
  }

  attemptRead(pressure: Pressure): boolean {
    const { words, at, agent } = this.cell;
    for (;;) {
      const { state } = this;
      if (ownerOf(state) === 0) {
        // Under FAIR only the first waiter may come in.
        if (isFair(state) && pressure !== PRESSURE.IMPATIENT && !isFirst(agent, this.cell)) return false;
        // Set the reader bit; a writer may have claimed the lock meanwhile.
        if (!this.comeIn()) continue;
        if (isFair(state)) clearBits(words, at + CELL_STATE, FAIR_BIT);
        return true;
      }
      // A writer is inside or waits: mark that a reader waits.
      if (this.mark(state, pressure)) return false;
    }
  }

  /** Ends a read. */
  unread(): void {
    if (--this.inside === 0) this.clearBit();
  }

  /** Takes the lock to write, if it is free and not reserved. */
  tryWrite(): boolean {
    const { state } = this;
    if (ownerOf(state) !== 0 || !this.drained) return false;
    if (isFair(state) && this.oldest() !== undefined) return false;
    if (!this.claim(state, state & WAITERS_BIT)) return false;
    // OBSERVE reader -> writer
    if (this.drained) return this.settle();
    this.unclaim();
    return false;
  }

  /** `call`: the waiter of the claim, as several may wait. */
  attemptWrite(call: object, pressure: Pressure): boolean {
    const { agent } = this.cell;
    for (;;) {
      const { state } = this;
      if (this.claimant === call) {
        // OBSERVE reader -> writer
        if (this.drained) return this.settle();
        if (!this.readersFirst) return false;
        this.unclaim();
      } else if (ownerOf(state) !== 0) {
        if (this.mark(state, pressure)) return false;
      } else if (isFair(state) && pressure !== PRESSURE.IMPATIENT && !isFirst(agent, this.cell)) {
        return false;
      } else if (this.readersFirst && !this.drained) {
        // PUBLISH waiters -> reader
        if (this.mark(state, PRESSURE.NONE) && !this.drained) return false;
      } else if (this.claim(state, WAITERS_BIT)) this.claimant = call;
    }
  }

  /** Whether an attempt of that call to write is worthwhile. */
  mayWrite(call: object): boolean {
    return (this.claimant === call || this.open) && this.drained;
  }

  /** Ends the write. */
  unwrite(): void {
    this.letGo(FAIR_BIT);
  }

  /** A call that waited to write gives up. */
  abandonWrite(call: object): void {
    if (this.claimant === call) this.unclaim();
    else this.passOn();
  }

  /** Passes on a wake-up: a waiter that came in or gives up may have been the only one woken. */
  passOn(): void {
    for (;;) {
      const { state } = this;
      if (ownerOf(state) === 0) {
        this.wakeNext();
        return;
      }
      if (this.mark(state, PRESSURE.NONE)) return;
    }
  }

  /**
   * Slot of an agent that has to act before this one gets in. An empty slot, which can't act, comes
   * first.
   */
  suspect(): number {
    const { me } = this;
    const { namespace } = this.cell.agent;
    const owner = ownerOf(this.state);
    // Only this agent writes its own bit, so without a read of this agent it is damage.
    if (this.inside === 0 && (load(this.mine.words, this.mine.at) & this.myBit) !== 0) this.clearBit();
    const readers = this.readerSlots.filter((slot) => slot !== me);
    const nobody = readers.find((slot) => !namespace.isLive(slot));
    return nobody ?? (owner !== 0 && owner !== me ? owner : (readers[0] ?? 0));
  }

  private get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  private comeIn(): boolean {
    if (this.inside === 0) setBits(this.mine.words, this.mine.at, this.myBit);
    // PUBLISH reader -> writer
    if (this.open) {
      this.inside++;
      return true;
    }
    if (this.inside === 0) this.clearBit();
    return false;
  }

  /** Clears the own bit, and wakes the writers that may wait for it. */
  private clearBit(): void {
    const { cell } = this;
    clearBits(this.mine.words, this.mine.at, this.myBit);
    // OBSERVE writer -> reader
    const { state } = this;
    const owner = ownerOf(state);
    if (owner !== 0) {
      const entry = findEntry(cell.agent.namespace, owner, cell.number);
      if (entry !== undefined) wake(cell.agent, { slot: owner, ...entry }, cell.number);
      // OBSERVE waiters -> reader
    } else if (this.readersFirst && (state & WAITERS_BIT) !== 0 && this.drained) {
      clearBits(cell.words, cell.at + CELL_STATE, WAITERS_BIT);
      wakeAll(cell.agent, cell);
    }
  }

  /** Sets WAITERS, unless the state has changed. */
  private mark(state: number, pressure: Pressure): boolean {
    const marked = state | WAITERS_BIT | (pressure === PRESSURE.NONE ? 0 : FAIR_BIT);
    return marked === state || cas(this.cell.words, this.cell.at + CELL_STATE, state, marked) === state;
  }

  private claim(state: number, waiters: number): boolean {
    const claimed = (state & RECOVERED_BIT) | waiters | PENDING_BIT | this.me;
    // PUBLISH writer -> reader
    return cas(this.cell.words, this.cell.at + CELL_STATE, state, claimed) === state;
  }

  /** Makes the claim a hold. */
  private settle(): true {
    const { words, at } = this.cell;
    this.claimant = undefined;
    const before = clearBits(words, at + CELL_STATE, PENDING_BIT | RECOVERED_BIT);
    this.recovered = (before & RECOVERED_BIT) !== 0;
    return true;
  }

  private unclaim(): void {
    this.claimant = undefined;
    this.letGo(FAIR_BIT | RECOVERED_BIT);
  }

  private letGo(kept: number): void {
    const { words, at } = this.cell;
    for (;;) {
      const { state } = this;
      if (cas(words, at + CELL_STATE, state, state & kept) !== state) continue;
      if ((state & WAITERS_BIT) !== 0) this.wakeNext();
      return;
    }
  }

  private wakeNext(): void {
    const { agent } = this.cell;
    if (this.readersFirst) wakeAll(agent, this.cell);
    else wakeOldest(agent, this.cell);
  }

  private oldest(): ReturnType<typeof oldestWaiter> {
    return oldestWaiter(this.cell.agent.namespace, this.cell);
  }
}

/** Whether the agent reads or writes. */
export function holdsRWLock(namespace: Namespace, place: Place, slot: number): boolean {
  let holds = ownerOf(load(place.words, place.at + CELL_STATE)) === slot;
  let word = 0;
  eachExtraWord(namespace, place, READER_WORDS, (reader) => {
    if (word++ === slot >> 5) holds ||= (load(reader.words, reader.at) & (1 << (slot & 31))) !== 0;
  });
  return holds;
}

/** Frees the dead agent's share of the lock. */
export function recoverRWLock(namespace: Namespace, place: Place, dead: number): void {
  const { words, at } = place;
  let word = 0;
  eachExtraWord(namespace, place, READER_WORDS, (reader) => {
    if (word++ === dead >> 5) clearBits(reader.words, reader.at, 1 << (dead & 31));
  });
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (ownerOf(state) !== dead) return;
    const told = (state & PENDING_BIT) !== 0 ? state & RECOVERED_BIT : RECOVERED_BIT;
    if (cas(words, at + CELL_STATE, state, (state & (WAITERS_BIT | FAIR_BIT)) | told) === state) return;
  }
}
