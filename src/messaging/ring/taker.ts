/**
 * Taker: how a call takes an item from a channel, at once or by waiting for one. The reading itself
 * is in ring-reader.ts.
 */

import { MOMENT } from '../../agents/wait.ts';
import type { Deadline } from '../../deadline.ts';
import { withOrigin } from '../../stacks.ts';
import { LONGEST_PAUSE } from '../../waiting/spinning.ts';
import type { Taking } from '../../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../../waiting/taking.ts';
import type { Gate } from './gate.ts';
import { putsOfThread } from './putter.ts';
import type { Ring } from './ring.ts';
import type { RingEnds } from './ring-ends.ts';
import { NOTHING, RingReader } from './ring-reader.ts';

/** Number of items that justify a poll of the ring in a stream; fewer make the pauses longer. */
const ENOUGH_AT_ONCE = 16;

export class Taker {
  private readonly items: Gate;
  private readonly rooms: Gate;
  private readonly ring: Ring;
  private readonly reader: RingReader;
  /** `putsOfThread` when this thread last took an item. */
  private putsAtTaking = -1;
  /** Number of items taken so far; that number at the last wait; the pause then. */
  private takings = 0;
  private takingsAtWait = 0;
  private pause: number = MOMENT;

  constructor(ends: RingEnds) {
    const { items, rooms, ring } = ends;
    this.items = items;
    this.rooms = rooms;
    this.ring = ring;
    this.reader = new RingReader(items.cell, ends, () => this.taken());
  }

  /**
   * Takes the oldest item; `NOTHING`: there is none. Never waits. Throws as `RingReader.take` does.
   */
  take(): unknown {
    return this.reader.take();
  }

  /**
   * Waits for an item; `NOTHING`: the time has passed, or `over` returned `true` because none will
   * come. *Blocks*.
   */
  takeSync(deadline: Deadline, over: () => boolean): unknown {
    const value = this.take();
    if (value !== NOTHING || deadline.expired || over()) return value === NOTHING ? this.take() : value;
    const { wait, outcome } = this.waitToTake(over);
    return takeBlocking(this.items.cell, wait, deadline) ? outcome() : NOTHING;
  }

  /**
   * The same; the event loop continues.
   *
   * @param ended makes the error of a call without a limit that has waited in vain, which then
   *   rejects: a deadline without a limit can't carry the call's origin
   */
  async takeLater(
    deadline: Deadline,
    over: () => boolean,
    keeper: object,
    ended?: () => Error,
  ): Promise<unknown> {
    const value = this.take();
    if (value !== NOTHING || deadline.expired || over()) return value === NOTHING ? this.take() : value;
    const { wait, outcome } = this.waitToTake(over);
    const taken = (await takeAwaiting(this.items.cell, wait, deadline, keeper)) ? outcome() : NOTHING;
    if (taken === NOTHING && ended !== undefined && deadline.unlimited)
      throw withOrigin(ended(), wait.origin);
    return taken;
  }

  private waitToTake(over: () => boolean): { wait: Taking; outcome: () => unknown } {
    let value: unknown = NOTHING;
    let failure: { error: unknown } | undefined;
    const act = (): boolean => {
      try {
        value = this.take();
      } catch (error) {
        failure = { error };
        return true;
      }
      return value !== NOTHING || over();
    };
    const outcome = (): unknown => {
      if (failure !== undefined) throw failure.error;
      // An item may have come between the poll and the end.
      return value === NOTHING ? this.take() : value;
    };
    const ready = (): boolean => !this.ring.empty || over();
    // In a stream, pause for a moment and then take several items at once; poll eagerly for an
    // answer.
    const streams = this.putsAtTaking === putsOfThread;
    return { wait: this.items.waitFor(act, ready, streams ? this.pauseInStream() : 0), outcome };
  }

  /**
   * The pause before the next poll of an empty ring. Each poll takes cache lines away from the
   * putters. Between two groups of cores that takes most of the time, so it pays to return when
   * there are several items.
   */
  private pauseInStream(): number {
    const taken = this.takings - this.takingsAtWait;
    this.takingsAtWait = this.takings;
    if (taken <= 1) this.pause = MOMENT;
    else if (taken < ENOUGH_AT_ONCE) this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    return this.pause;
  }

  private taken(): void {
    this.takings++;
    this.putsAtTaking = putsOfThread;
    this.rooms.announce();
  }
}
