/**
 * Wait: a primitive's description of one kind of waiting, for the engine (see cell.ts and
 * blocking.ts).
 */

import type { Origin } from '../stacks.ts';

/** How hard an attempt may press. */
export const PRESSURE = {
  /** The wait is young: a running thread may go first. */
  NONE: 0,
  /** The wait has lasted: holders have to hand the object off to waiters. */
  FAIR: 1,
  /**
   * The wait was left alone for a whole interval: take a free object, even if it is reserved for
   * another waiter.
   */
  IMPATIENT: 2,
} as const;

/** Loop iterations to pause before first polling an object that is held only briefly. */
export const MOMENT = 1000;

export type Pressure = (typeof PRESSURE)[keyof typeof PRESSURE];

export interface Wait {
  /**
   * Loop iterations (some nanoseconds each) before it first polls an object whose holder releases
   * it and takes it again within a microsecond: see `spin`. 0 or none: the thread polls without
   * pauses.
   */
  readonly backsOff?: number;
  /** Whether others may have it at the same time, as the readers of an RWLock. */
  readonly shared?: boolean;
  /**
   * Where the call began, for an error that is made after the wait. Set only in a wait that has
   * this field, when its call has to await.
   */
  origin?: Origin | undefined;
  /** Reads whether an attempt is worthwhile; changes nothing. */
  peek(): boolean;
  /**
   * Takes the object, or marks it so that the agent that makes it available wakes this one. Called
   * with the agent's wait entry filled. When it returns `false`, the object was seen unavailable
   * *after* the mark was set.
   */
  attempt(pressure: Pressure): boolean;
  /**
   * Called when an awaiting call gives up, before its entry is emptied: does the reaper's work on
   * the entry.
   */
  resign?(): void;
  /**
   * Called when the wait was given up and its entry emptied: hands on a wake-up that may have been
   * meant for it.
   */
  abandon(): void;
  /**
   * The same for a wait that continues, on an object that is not serial. Its thread is about to
   * block, and can't use the wake-up.
   */
  passOn?(): void;
  /**
   * Called when the wait has been served and its entry updated: wakes the next waiter, if something
   * is left.
   */
  taken(): void;
  /**
   * Slot of the agent that has to act for the wait to end, if one is known: it is checked for life
   * before sleeping.
   */
  suspect(): number;
  /**
   * Called with the entry filled, before the wait sleeps and now and then while it lasts. An error
   * that it returns ends the wait, which no other agent could end.
   */
  check?(ticket: number): Error | undefined;
}
