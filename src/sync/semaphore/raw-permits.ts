/**
 * RawPermits: permits with owners, so that a dead owner's permits come back, exactly as many as it
 * held; the algorithm under BoundedSemaphore.
 *
 *   word     name     bits                               written by
 *   +0       STATE    30 WAITERS | 29 FAIR               anyone, CAS only
 *   +1       TICKETS  counter: order of arrival            waiters
 *   +2       LIMIT    number of permits                  the creator
 *   +3       PERMITS  first link with permits            the creator
 *   permits           0 free, else the owner's slot      CAS 0 -> me, me -> 0
 *
 * Algorithm: a permit is taken and given by one CAS on its own word; the marks are those of
 * raw-lock.ts, beside the permits:
 *
 *   wait      fill the entry, set WAITERS                   // PUBLISH WAITERS -> permit
 *             then look at all permits once more
 *   release   free the permit, then look for WAITERS        // OBSERVE WAITERS -> permit
 *             clear it, wake the oldest
 *   taken     empty the entry, set WAITERS: others may wait; then look at all permits, and wake the
 *             oldest if one is free
 *
 * One of the two sees the other. No count is kept beside the permits, so a crash leaves none wrong.
 *
 * Race: W1 and W2 wait, W1 is awake. R frees a permit (R1), W1 takes it (W1a), R clears WAITERS and
 * wakes the oldest, which is W1 (R2): no wake-up is pending for W2. W1 empties its entry, and only
 * then sets WAITERS (W1b): its own release finds the mark.
 */

import { cas, clearBits, load, setBits } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Pressure } from '../../agents/wait.ts';
import { PRESSURE } from '../../agents/wait.ts';
import { isFirst, oldestWaiter, wakeOldest } from '../../agents/waiters.ts';
import { AGENT_SLOTS, CELL_STATE } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';
import type { ExtraWord } from '../../objects/extra-words.ts';
import { eachExtraWord, extraWordsOf } from '../../objects/extra-words.ts';
import { Barging } from '../../waiting/barging.ts';
import type { Taking } from '../../waiting/taking.ts';
import { FAIR_BIT, WAITERS_BIT } from '../lock/lock-words.ts';
import { LIMIT_WORD } from './semaphore-facts.ts';

export class RawPermits implements Taking {
  readonly permits: readonly ExtraWord[];
  /**
   * Permits that were taken and have no hold yet: several calls may be served before the first of
   * them continues.
   */
  readonly unclaimed: number[] = [];
  /** Holdings of each permit by this agent so far. */
  readonly turns: number[];
  private readonly cell: Cell;
  private readonly me: number;
  /** Permits that this agent has taken so far. */
  private takings = 0;
  private readonly barging = new Barging();
  /** The permit to try first. */
  private next = 0;

  private constructor(cell: Cell) {
    this.cell = cell;
    this.me = cell.agent.slot;
    const limit = load(cell.words, cell.at + LIMIT_WORD);
    this.permits = extraWordsOf(cell.agent.namespace, cell, limit, 'BoundedSemaphore');
    this.turns = this.permits.map(() => 0);
  }

  static of(cell: Cell): RawPermits {
    if (cell.extension instanceof RawPermits) return cell.extension;
    const made = new RawPermits(cell);
    cell.extension = made;
    return made;
  }

  /** Permits that are free. */
  get value(): number {
    let free = 0;
    for (const { words, at } of this.permits) if (load(words, at) === 0) free++;
    return free;
  }

  tryTake(): boolean {
    const state = this.marks();
    if ((state & FAIR_BIT) === 0) return this.takeAny();
    if (this.oldest() !== undefined) return false;
    // The waiter for which it was reserved no longer waits.
    clearBits(this.cell.words, this.cell.at + CELL_STATE, FAIR_BIT);
    return this.takeAny();
  }

  /** Frees permit `index` if this agent owns it, without waking anyone. */
  freeOwn(index: number): boolean {
    const { words, at } = this.permits[index]!;
    return cas(words, at, this.me, 0) === this.me;
  }

  /** Frees one taken permit, preferably its own, without waking anyone. */
  freeAny(): boolean {
    // Free a permit of this agent first, then one of any other.
    for (let index = 0; index < this.permits.length; index++) {
      if (this.freeOwn(index)) {
        this.turns[index]!++;
        return true;
      }
    }
    for (const { words, at } of this.permits) {
      const owner = load(words, at);
      if (owner !== 0 && cas(words, at, owner, 0) === owner) return true;
    }
    return false;
  }

  /** Wakes waiters for `count` permits that were freed. */
  announce(count: number): void {
    const { words, at } = this.cell;
    const giveWay = this.barging.isTooLong(this.takings) && this.oldest() !== undefined;
    for (;;) {
      // OBSERVE WAITERS -> permit
      const state = this.marks();
      if ((state & WAITERS_BIT) === 0 && !giveWay) return;
      const marks = (state & ~WAITERS_BIT) | (giveWay ? FAIR_BIT : 0);
      if (cas(words, at + CELL_STATE, state, marks) !== state) continue;
      if (giveWay) this.barging.giveWay();
      else this.barging.begin(this.takings);
      wakeOldest(this.cell.agent, this.cell, count);
      return;
    }
  }

  peek(): boolean {
    for (const { words, at } of this.permits) if (load(words, at) === 0) return true;
    return false;
  }

  attempt(pressure: Pressure): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = this.marks();
      const inTurn = this.permits.length === 1 || (state & FAIR_BIT) !== 0;
      const free = this.peek();
      if (inTurn && pressure !== PRESSURE.IMPATIENT && free && !isFirst(this.cell.agent, this.cell))
        return false;
      // A permit freed since that look may be for the oldest waiter: mark first, then look again.
      if (free && this.takeAny()) {
        this.barging.waited(pressure === PRESSURE.IMPATIENT);
        return true;
      }
      const marked = state | WAITERS_BIT | (pressure === PRESSURE.NONE ? 0 : FAIR_BIT);
      if (marked !== state && cas(words, at + CELL_STATE, state, marked) !== state) continue;
      // PUBLISH WAITERS -> permit
      if (!this.peek()) return false;
    }
  }

  abandon(): void {
    const { words, at } = this.cell;
    for (;;) {
      const state = this.marks();
      const marked = state | WAITERS_BIT;
      if (marked !== state && cas(words, at + CELL_STATE, state, marked) !== state) continue;
      if (this.peek()) wakeOldest(this.cell.agent, this.cell);
      return;
    }
  }

  /**
   * Sets the mark again: others may wait, and a releaser may have cleared it to wake this waiter
   * while its entry was filled.
   */
  taken(): void {
    const { words, at } = this.cell;
    setBits(words, at + CELL_STATE, WAITERS_BIT);
    clearBits(words, at + CELL_STATE, FAIR_BIT);
    if (this.peek()) wakeOldest(this.cell.agent, this.cell);
  }

  hurried(): void {
    this.barging.begin(this.takings);
  }

  /**
   * The owner of a permit. An owner whose slot is empty, and so can't give it back, comes first.
   */
  suspect(): number {
    const { agent } = this.cell;
    let first = 0;
    for (const { words, at } of this.permits) {
      const owner = load(words, at);
      if (owner === 0) continue;
      // This is not a slot: no agent has written it, so free the permit.
      if (!(owner > 0 && owner < AGENT_SLOTS)) cas(words, at, owner, 0);
      else if (owner !== agent.slot && !agent.namespace.isLive(owner)) return owner;
      else if (first === 0) first = owner;
    }
    return first;
  }

  private marks(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  private takeAny(): boolean {
    const { permits } = this;
    // Start after the last permit taken, so that agents do not collide.
    for (let count = 0, index = this.next; count < permits.length; count++, index++) {
      if (index === permits.length) index = 0;
      const { words, at } = permits[index]!;
      if (load(words, at) !== 0 || cas(words, at, 0, this.me) !== 0) continue;
      this.next = index;
      this.turns[index]!++;
      this.takings++;
      this.unclaimed.push(index);
      return true;
    }
    return false;
  }

  private oldest(): ReturnType<typeof oldestWaiter> {
    return oldestWaiter(this.cell.agent.namespace, this.cell);
  }
}

/** Frees every permit of the dead agent. */
export function recoverPermits(namespace: Namespace, place: Place, dead: number): void {
  const limit = load(place.words, place.at + LIMIT_WORD);
  eachExtraWord(namespace, place, limit, ({ words, at }) => {
    cas(words, at, dead, 0);
  });
}

/** Whether the agent in `slot` holds a permit. */
export function holdsPermit(namespace: Namespace, place: Place, slot: number): boolean {
  let held = false;
  eachExtraWord(namespace, place, load(place.words, place.at + LIMIT_WORD), ({ words, at }) => {
    held ||= load(words, at) === slot;
  });
  return held;
}
