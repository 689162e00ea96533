/**
 * RoomWait: a wait for room that puts in the very moment in which there is some. So the next
 * waiter is woken only if there is more, and many waiters do not all look at every place that
 * becomes free.
 *
 * The lock to put is not waited for here. Where another has it, the wait is over without a put, and
 * its call goes for the lock.
 */

import type { RawLock } from '../../sync/lock/raw-lock.ts';
import type { Taking } from '../../waiting/taking.ts';
import type { Gate } from './gate.ts';

export type Put = 'put' | 'full' | 'closed';

export interface RoomWait {
  readonly wait: Taking;
  /**
   * The outcome, once the wait is over; `undefined`: another was just putting. Throws what the put
   * threw.
   */
  readonly outcome: () => Put | undefined;
}

export interface RoomWaitParts {
  readonly rooms: Gate;
  readonly lock: RawLock;
  /** Whether a put would come to something: there is room, or it is closed. */
  readonly fits: () => boolean;
  /** Whether no taker will ever make room. */
  readonly gone: () => boolean;
  /** Is called with the lock and has to release it. */
  readonly put: () => Put;
  readonly backsOff: number;
}

export function waitForRoom({ rooms, lock, fits, gone, put, backsOff }: RoomWaitParts): RoomWait {
  const ready = (): boolean => fits() || gone();
  let done: Put | undefined;
  let failure: { error: unknown } | undefined;
  const act = (): boolean => {
    try {
      if (!ready()) return false;
      // The put lock is taken: end this wait, and queue for the lock.
      if (!lock.tryTake()) return true;
      done = put();
    } catch (error) {
      failure = { error };
      return true;
    }
    return done !== 'full' || gone();
  };
  const outcome = (): Put | undefined => {
    if (failure !== undefined) throw failure.error;
    return done;
  };
  return { wait: rooms.waitFor(act, ready, backsOff), outcome };
}
