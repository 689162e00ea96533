/**
 * Semaphore: a count of permits, without owners: a signal. One agent may acquire and another
 * release.
 *
 *   word   name     bits                                            written by
 *   +0     STATE    30 WAITERS | 29 FAIR | 26…0 permits             anyone, CAS only
 *   +1     TICKETS  counter: order of arrival                         waiters
 *
 * Algorithm: as raw-lock.ts, with a count in the place of an owner.
 *
 *   take      CAS n -> n-1 while n > 0
 *   release   CAS n -> n+k, which clears WAITERS; where it was set, the k oldest are woken.
 *   cascade   a waiter that takes a permit sets WAITERS, and wakes the next if permits are left. So
 *             a second release, which found the mark cleared by the first, has its permit found,
 *             too.
 *
 * A dead agent's permits are unknown: a plain semaphore is a signal, as in Python. See
 * BoundedSemaphore.
 */

import { cas, load, store } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import type { Pressure } from '../../agents/wait.ts';
import { PRESSURE } from '../../agents/wait.ts';
import { isFirst, oldestWaiter, wakeOldest } from '../../agents/waiters.ts';
import type { Hold, ObjectOptions } from '../../contracts.ts';
import { OutOfRangeError } from '../../errors.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import { openHandle } from '../../objects/handles.ts';
import { obtain } from '../../objects/obtain.ts';
import { Opened } from '../../objects/opened.ts';
import { Barging } from '../../waiting/barging.ts';
import type { Taking } from '../../waiting/taking.ts';
import { SharedHold } from '../hold.ts';
import { FAIR_BIT, WAITERS_BIT } from '../lock/lock-words.ts';
import { checkPermits, SemaphoreBase } from './semaphore-base.ts';
import { describeSemaphore, PERMITS_MASK, permitsIn } from './semaphore-facts.ts';

/** The largest number of permits: 134,217,727. */
export const MAX_PERMITS: number = PERMITS_MASK;

class RawSemaphore implements Taking {
  /** Permits that this agent has taken so far. */
  takings = 0;
  private readonly cell: Cell;
  private readonly barging = new Barging();

  private constructor(cell: Cell) {
    this.cell = cell;
  }

  static of(cell: Cell): RawSemaphore {
    if (cell.extension instanceof RawSemaphore) return cell.extension;
    const made = new RawSemaphore(cell);
    cell.extension = made;
    return made;
  }

  get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  tryTake(): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (permitsIn(state) === 0) return false;
      // Under FAIR the permit is reserved for the oldest waiter.
      if ((state & FAIR_BIT) !== 0 && this.oldest() !== undefined) return false;
      const taken = (state & ~FAIR_BIT) - 1;
      if (cas(words, at + CELL_STATE, state, taken) !== state) continue;
      this.takings++;
      return true;
    }
  }

  /** Adds permits and wakes as many waiters. Returns `false` when there would be too many. */
  give(count: number): boolean {
    const { words, at } = this.cell;
    const giveWay = this.barging.isTooLong(this.takings) && this.oldest() !== undefined;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (permitsIn(state) + count > MAX_PERMITS) return false;
      const given = ((state & ~WAITERS_BIT) + count) | (giveWay ? FAIR_BIT : 0);
      if (cas(words, at + CELL_STATE, state, given) !== state) continue;
      if (giveWay) this.barging.giveWay();
      else if ((state & WAITERS_BIT) !== 0) this.barging.begin(this.takings);
      else return true;
      // OBSERVE entry -> WAITERS
      wakeOldest(this.cell.agent, this.cell, count);
      return true;
    }
  }

  peek(): boolean {
    return permitsIn(this.state) > 0;
  }

  attempt(pressure: Pressure): boolean {
    const { words, at } = this.cell;
    for (;;) {
      const state = load(words, at + CELL_STATE);
      if (permitsIn(state) > 0) {
        const inTurn = permitsIn(state) === 1 || (state & FAIR_BIT) !== 0;
        if (inTurn && pressure !== PRESSURE.IMPATIENT && !isFirst(this.cell.agent, this.cell)) return false;
        const taken = (permitsIn(state) - 1) | WAITERS_BIT;
        if (cas(words, at + CELL_STATE, state, taken) !== state) continue;
        this.takings++;
        this.barging.waited(pressure === PRESSURE.IMPATIENT);
        return true;
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
      // A permit is free: the wake-up may have been for this call, so pass it on.
      if (permitsIn(state) > 0) {
        wakeOldest(this.cell.agent, this.cell);
        return;
      }
      // Others may wait: leave the mark for the next release.
      const marked = state | WAITERS_BIT;
      if (marked === state || cas(words, at + CELL_STATE, state, marked) === state) return;
    }
  }

  taken(): void {
    if (this.peek()) wakeOldest(this.cell.agent, this.cell);
  }

  hurried(): void {
    this.barging.begin(this.takings);
  }

  suspect(): number {
    return 0;
  }

  private oldest(): ReturnType<typeof oldestWaiter> {
    return oldestWaiter(this.cell.agent.namespace, this.cell);
  }
}

/**
 * A count of permits that processes and threads share. `acquire` takes a permit, and waits while
 * there is none; `release` adds permits.
 *
 * *If a thread dies* that has acquired a permit, the permit is lost, because a semaphore does not
 * record which thread acquired it. If that matters, use `BoundedSemaphore`.
 *
 * @example
 * const items = new Semaphore(0);
 * await items.acquire(); // the consumer
 * items.release(); // the producer
 */
export class Semaphore extends SemaphoreBase {
  private readonly raw: RawSemaphore;

  /**
   * `value`: the number of permits at first, 0 to 134,217,727. Throws `OutOfRangeError`,
   * `InvalidTypeError`.
   */
  constructor(value?: number, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened = 1, options?: ObjectOptions) {
    const opened = source instanceof Opened ? source : obtainSemaphore(source, options);
    const raw = RawSemaphore.of(opened.cell);
    super(SEMAPHORE_KIND, opened, raw);
    this.raw = raw;
  }

  protected override get facts(): typeof describeSemaphore {
    return describeSemaphore;
  }

  /** Opens the semaphore that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Semaphore {
    return new Semaphore(openHandle(SEMAPHORE_KIND, handle));
  }

  /** The number of free permits. */
  override get value(): number {
    this.checkOpen();
    return permitsIn(this.raw.state);
  }

  /** @internal */
  override takeNow(): Hold | null {
    const { words, at } = this.cell;
    const state = load(words, at + CELL_STATE);
    // Only a plain count: no marks, and not closed.
    if (state > 0 && state <= PERMITS_MASK && cas(words, at + CELL_STATE, state, state - 1) === state) {
      this.raw.takings++;
      return this.held();
    }
    this.checkOpen();
    return this.raw.tryTake() ? this.held() : null;
  }

  /**
   * Adds `n` permits and wakes up to `n` waiters. Throws `OutOfRangeError` if `n` is below 1, or if
   * there would be more than 134,217,727 permits.
   */
  override release(n = 1): void {
    this.checkOpen();
    checkPermits(this.title, 'n', n, 1, MAX_PERMITS);
    if (this.raw.give(n)) return;
    throw new OutOfRangeError(
      `${this.title}: can't release ${n}, it has ${this.value} permits and ${MAX_PERMITS} fit; release only what was acquired`,
    );
  }

  /** @internal */
  releaseTurn(_turn: number): void {
    if (!this.closed) this.release();
  }

  /** @internal */
  override held(): Hold {
    return new SharedHold(this, 1, false);
  }
}

function obtainSemaphore(value: number, options: ObjectOptions | undefined): Opened {
  checkPermits(SEMAPHORE_KIND.name, 'its value', value, 0, MAX_PERMITS);
  return obtain(SEMAPHORE_KIND, options, ({ words, at }) => store(words, at + CELL_STATE, value));
}

export const SEMAPHORE_KIND: Kind = defineKind({
  number: 5,
  name: 'Semaphore',
  serial: true,
  open: Semaphore.open,
});
