/**
 * The common part of Semaphore and BoundedSemaphore: acquiring and running, and the checks of
 * their counts.
 */

import { inspect } from 'node:util';
import type { Kind } from '../../agents/kinds.ts';
import { freeOfNobody, sweepIfDue } from '../../agents/reaper.ts';
import { countWaiting } from '../../agents/waiters.ts';
import type { Hold, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { InvalidTypeError, OutOfRangeError } from '../../errors.ts';
import type { Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import type { Taking } from '../../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../../waiting/taking.ts';
import { runInside, runInsideSync } from '../inside.ts';
import { drawToken } from '../token.ts';

/** How a semaphore stands. */
export interface SemaphoreDescription extends Description {
  /** Permits that are free. */
  value: number;
  /** Calls that wait for a permit, blocked and awaiting, in all processes. */
  waiting: number;
}

export abstract class PermitSource extends SharedObject {
  private readonly taking: Taking;

  protected constructor(type: Kind, opened: Opened, taking: Taking) {
    super(type, opened);
    this.taking = taking;
  }

  /** Permits that are free now. */
  abstract get value(): number;

  /**
   * Takes a permit; the event loop goes on meanwhile. With a timeout, `null` when it has passed.
   */
  acquire(options?: UntimedWaitOptions): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  acquire(options?: WaitOptions): Promise<Hold | null> {
    const hold = options === undefined ? this.takeNow() : null;
    return hold === null ? this.acquireSlow(options) : Promise.resolve(hold);
  }

  /**
   * Takes a permit. *Blocks* the thread until there is one; with a timeout, returns `null` when it
   * has passed.
   */
  acquireSync(options?: UntimedWaitOptions): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  acquireSync(options?: WaitOptions): Hold | null {
    const hold = options === undefined ? this.takeNow() : null;
    return hold === null ? this.acquireSlowSync(options) : hold;
  }

  /** Takes a permit if there is one. Never waits. */
  tryAcquire(): Hold | null {
    const hold = this.takeNow();
    if (hold !== null) return hold;
    // Whoever only ever tries must find out, too, that the holder has died.
    sweepIfDue(this.cell.agent);
    freeOfNobody(this.cell.agent, this.cell, this.taking.suspect());
    return this.takeNow();
  }

  /** Gives `n` permits. */
  abstract release(n?: number): void;

  /** @internal */
  abstract releaseTurn(turn: number): void;

  /**
   * Runs `fn` with a permit and gives it back, however `fn` ends. With a timeout, `null` when it
   * passed before.
   */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result | null> {
    return runInside(this, this.title, fn, options);
  }

  /**
   * Runs `fn` with a permit. *Blocks* the thread until there is one. `fn` must not return a
   * promise: use `run` then.
   */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
  runSync<Result>(fn: () => Result, options?: WaitOptions): Result | null {
    return runInsideSync(this, this.title, fn, options);
  }

  /** @internal */
  tokenOfTurn(_turn: number, known: number | undefined): number {
    this.checkOpen();
    return known ?? drawToken(this.cell);
  }

  override describe(): SemaphoreDescription {
    return SharedObject.describe(this, () => ({
      kind: SharedObject.kindOf(this),
      name: this.name ?? null,
      handle: this.handle,
      value: this.value,
      waiting: countWaiting(this.cell.agent.namespace, this.cell),
    }));
  }

  protected override summary(): string {
    const { value, waiting } = this.describe();
    return waiting === 0 ? `value ${value}` : `value ${value}, ${waiting} waiting`;
  }

  protected abstract held(): Hold;

  /** Takes it if it is free, by one compare-and-swap where nobody waits. */
  protected abstract takeNow(): Hold | null;

  private async acquireSlow(options: WaitOptions | undefined): Promise<Hold | null> {
    const deadline = Deadline.begin(options);
    const hold = deadline.expired ? this.tryAcquire() : this.takeNow();
    if (hold !== null || deadline.expired) return hold;
    return (await takeAwaiting(this.cell, this.taking, deadline, this)) ? this.held() : null;
  }

  private acquireSlowSync(options: WaitOptions | undefined): Hold | null {
    const deadline = Deadline.begin(options);
    const hold = deadline.expired ? this.tryAcquire() : this.takeNow();
    if (hold !== null || deadline.expired) return hold;
    return takeBlocking(this.cell, this.taking, deadline) ? this.held() : null;
  }
}

/** Throws unless the value is a whole number within the bounds. */
export function checkPermits(title: string, what: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number') {
    throw new InvalidTypeError(
      `${title}: refused, ${what} is ${inspect(value)}; pass a whole number from ${least} to ${most}`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OutOfRangeError(
      `${title}: refused, ${what} is ${value}; pass a whole number from ${least} to ${most}`,
    );
  }
}
