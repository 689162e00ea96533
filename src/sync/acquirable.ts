/**
 * Acquirable: the ways of taking an object: immediately, blocking or awaiting, and around a
 * function.
 *
 * Each primitive has three steps of its own:
 *
 *   takeNow   takes it where nobody has to be waited for, with as few operations as it can
 *   waitFor   what to wait for, where `takeNow` could not take it
 *   held      a hold of what a wait has just taken
 *
 * A call without options first tries `takeNow`, before a deadline is made. With a timeout of 0 it
 * never waits. The sides of a reader-writer lock are not objects themselves; they use the functions
 * below.
 */

import type { Cell } from '../agents/cell.ts';
import { freeOfNobody, sweepIfDue } from '../agents/reaper.ts';
import type { Hold, UntimedWaitOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { turnIfDue } from '../turns.ts';
import type { Taking } from '../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../waiting/taking.ts';
import { runInside, runInsideSync } from './inside.ts';

/** The steps of taking that each primitive implements. */
export interface TakingSteps {
  readonly cell: Cell;
  takeNow(): Hold | null;
  /**
   * Throws if the wait could never end. `blocks`: the thread blocks; otherwise one call of it
   * awaits.
   */
  waitFor(options: WaitOptions | undefined, blocks: boolean, deadline: Deadline): Taking;
  held(): Hold;
  /** Slot of an agent that has to act before it can be taken; 0 none. */
  suspect(): number;
}

/**
 * Takes it by awaiting, after it could not be taken immediately. `keeper` lives as long as the
 * wait.
 */
export async function acquireLater(
  steps: TakingSteps,
  options: WaitOptions | undefined,
  keeper: object,
): Promise<Hold | null> {
  const deadline = Deadline.begin(options);
  for (;;) {
    const hold = deadline.expired ? takeOrReap(steps) : steps.takeNow();
    if (hold === null && !deadline.expired) break;
    const turn = turnIfDue();
    if (turn === undefined || hold?.recovered === true) return hold;
    // The event loop is due: hold nothing during its turn, and take it then.
    hold?.release();
    await turn;
    if (hold === null) return null;
    deadline.throwIfAborted();
  }
  const wait = steps.waitFor(options, false, deadline);
  return (await takeAwaiting(steps.cell, wait, deadline, keeper)) ? steps.held() : null;
}

/** The same. *Blocks*. */
export function acquireBlocking(steps: TakingSteps, options: WaitOptions | undefined): Hold | null {
  const deadline = Deadline.begin(options);
  const hold = deadline.expired ? takeOrReap(steps) : steps.takeNow();
  if (hold !== null || deadline.expired) return hold;
  const wait = steps.waitFor(options, true, deadline);
  return takeBlocking(steps.cell, wait, deadline) ? steps.held() : null;
}

/** Takes it in the turn of the event loop that is due, and holds nothing until then. */
function acquireInTurn(steps: Acquirable, hold: Hold): Promise<Hold> {
  // Only this hold says that the last holder has died.
  if (hold.recovered) return Promise.resolve(hold);
  hold.release();
  return acquireLater(steps, undefined, steps) as Promise<Hold>;
}

/** Takes it if it is free, or if its holder is dead. Never waits. */
export function takeOrReap(steps: TakingSteps): Hold | null {
  const hold = steps.takeNow();
  if (hold !== null) return hold;
  // Check that the holder lives: a thread that only tries must also notice its death.
  const { cell } = steps;
  sweepIfDue(cell.agent);
  freeOfNobody(cell.agent, cell, steps.suspect());
  return steps.takeNow();
}

/** A shared object that can be held. */
export abstract class Acquirable extends SharedObject {
  /**
   * Waits for the lock, or for a permit; the event loop keeps running. Resolves to `null` at the
   * timeout.
   *
   * *Cancels* by `signal`: leaves the queue, and rejects with the signal's reason. *If the holder
   * of a lock dies*, the next waiter gets the lock, with `hold.recovered`. Rejects with
   * `ClosedError` or `InvalidTypeError`. If the wait for a lock would complete a cycle of waits,
   * the call rejects with `DeadlockError`. That is noticed inside `run`, and if the thread awaits
   * nothing but this call.
   */
  acquire(options?: UntimedWaitOptions): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquire(options?: WaitOptions): Promise<Hold | null> {
    const hold = options === undefined ? this.takeNow() : null;
    if (hold === null) return acquireLater(this, options, this);
    return turnIfDue() === undefined ? Promise.resolve(hold) : acquireInTurn(this, hold);
  }

  /**
   * Waits for the lock, or for a permit, and *blocks* the thread. Returns `null` at the timeout.
   *
   * *If the holder of a lock dies*, the next waiter gets the lock, with `hold.recovered`. Throws
   * `ClosedError`, `InvalidTypeError`, and `DeadlockError` if the wait for a lock would complete a
   * cycle of waits.
   *
   * @example
   * using hold = lock.acquireSync();
   */
  acquireSync(options?: UntimedWaitOptions): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  acquireSync(options?: WaitOptions): Hold | null {
    const hold = options === undefined ? this.takeNow() : null;
    return hold === null ? acquireBlocking(this, options) : hold;
  }

  /** Takes the lock, or a permit, if it is free. Never waits. */
  tryAcquire(): Hold | null {
    return takeOrReap(this);
  }

  /**
   * Runs `fn` while it holds the lock, or a permit, and releases it when `fn` has returned or
   * thrown. Resolves to the result of `fn`; at the timeout to `null`, without running `fn`.
   */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result | null> {
    return this.inScope(() => runInside(this, this.title, fn, options));
  }

  /**
   * Runs `fn` while it holds the lock, or a permit. *Blocks* the thread during the wait. If `fn` is
   * async, use `run`: here it must not return a promise.
   */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
  runSync<Result>(fn: () => Result, options?: WaitOptions): Result | null {
    return runInsideSync(this, this.title, fn, options);
  }

  /** @internal */
  abstract takeNow(): Hold | null;

  /** @internal */
  abstract waitFor(options: WaitOptions | undefined, blocks: boolean, deadline: Deadline): Taking;

  /** @internal */
  abstract held(): Hold;

  /** @internal */
  abstract suspect(): number;

  /** Runs the body of `run`; a primitive with owners gives it a scope of its own. */
  protected inScope<Result>(act: () => Result): Result {
    return act();
  }
}
