/**
 * Latch: a count that goes down to zero once, and then lets all waiters through.
 *
 *   word   name     bits                            written by
 *   +0     STATE    29…0 left to count down         anyone, CAS only
 *   +1     TICKETS  counter                         waiters
 *
 * The thread that takes the count to zero wakes up all waiters whose entries it finds. It stays
 * zero: a waiter that comes later, or looks once more with its entry filled, sees that.
 *
 * Race: W reads a count of 1 (W1). C takes it to 0 and finds no entry (C1, C2). W fills its entry
 * (W2) and looks again (W3) before it sleeps. W3 comes after C1, as W2 came after C2.
 */

import { cas, load, store } from '#atomics';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { countWaiting, wakeAll } from '../agents/waiters.ts';
import type { ObjectOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { CELL_STATE } from '../memory/layout.ts';
import { openHandle } from '../objects/handles.ts';
import { obtain } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { servedAtOnce } from '../turns.ts';
import { awaitState, blockForState, StateWait } from '../waiting/state-wait.ts';
import { describeLatch } from './latch-facts.ts';
import { checkPermits } from './semaphore/semaphore-base.ts';

/** The largest count. */
export const MAX_COUNT: number = 2 ** 30 - 1;

class LatchWait extends StateWait {
  override peek(): boolean {
    return load(this.cell.words, this.cell.at + CELL_STATE) === 0;
  }
}

/** The state of a latch, as `describe()` returns it. */
export interface LatchDescription extends Description {
  /** The remaining count. */
  count: number;
  /** Calls that wait for it, blocked and awaiting, in all processes. */
  waiting: number;
}

/**
 * A count that goes down to zero, once. Any number of threads wait until it is zero: until all
 * parts are done, or all workers are ready. To meet again and again, use `Barrier`.
 *
 * *If a process dies* that should have counted down, its counts are missing, because a latch does
 * not record which process should do so. If that can happen, wait with a timeout.
 *
 * @example
 * const ready = new Latch(4);
 * // each of four: ready.countDown();   who waits for them: await ready.wait();
 */
export class Latch extends SharedObject {
  /**
   * `count`: how often `countDown` has to be called, 0 to 1,073,741,823; at 0 the latch is open. If
   * a latch of that name exists, it is opened as it is. Throws `OutOfRangeError`,
   * `InvalidTypeError`.
   */
  constructor(count: number, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened, options?: ObjectOptions) {
    super(LATCH_KIND, source instanceof Opened ? source : obtainLatch(source, options));
  }

  /** Opens the latch that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Latch {
    return new Latch(openHandle(LATCH_KIND, handle));
  }

  /** The remaining count; at 0 the latch is open. */
  get count(): number {
    this.checkOpen();
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  /**
   * Reduces the count by `n`, but not below 0; returns the new count. Never waits. Throws
   * `OutOfRangeError` for an `n` below 1.
   */
  countDown(n = 1): number {
    this.checkOpen();
    checkPermits(this.title, 'n', n, 1, MAX_COUNT);
    const { words, at, agent } = this.cell;
    for (;;) {
      const { count } = this;
      const left = Math.max(0, count - n);
      if (count === 0) return 0;
      // Store the new count; the thread that stores 0 wakes up all waiters.
      if (cas(words, at + CELL_STATE, count, left) !== count) continue;
      if (left === 0) wakeAll(agent, this.cell);
      return left;
    }
  }

  /**
   * Waits until the count is 0; the event loop keeps running. Resolves to `true`, or to `false` at
   * the timeout. *Cancels* by `signal`.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = this.begin(options);
    return this.count === 0 ? servedAtOnce(true) : awaitState(new LatchWait(this.cell), deadline, this);
  }

  /** Waits until the count is 0, and *blocks* the thread. Returns `false` at the timeout. */
  waitSync(options?: WaitOptions): boolean {
    const deadline = this.begin(options);
    return this.count === 0 || blockForState(new LatchWait(this.cell), deadline);
  }

  override describe(): LatchDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      return {
        kind: LATCH_KIND.name,
        name: this.name ?? null,
        handle: this.handle,
        ...describeLatch(namespace, this.cell).state,
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { count, waiting } = this.describe();
    return `${count === 0 ? 'open' : `${count} left`}${waiting === 0 ? '' : `, ${waiting} waiting`}`;
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    return Deadline.begin(options);
  }
}

function obtainLatch(count: number, options: ObjectOptions | undefined): Opened {
  checkPermits(LATCH_KIND.name, 'its count', count, 0, MAX_COUNT);
  return obtain(LATCH_KIND, options, ({ words, at }) => store(words, at + CELL_STATE, count));
}

export const LATCH_KIND: Kind = defineKind({ number: 12, name: 'Latch', open: Latch.open });
