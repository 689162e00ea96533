/**
 * The common part of Semaphore and BoundedSemaphore: their state, and the checks of their counts.
 */

import { inspect } from 'node:util';
import type { Describe } from '../../agents/facts.ts';
import type { Kind } from '../../agents/kinds.ts';
import { countWaiting } from '../../agents/waiters.ts';
import { InvalidTypeError, OutOfRangeError } from '../../errors.ts';
import type { Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import type { Taking } from '../../waiting/taking.ts';
import { Acquirable } from '../acquirable.ts';
import { drawToken } from '../token.ts';

/** The state of a semaphore, as `describe()` returns it. */
export interface SemaphoreDescription extends Description {
  /** Permits that are free. */
  value: number;
  /** Calls that wait for a permit, blocked and awaiting, in all processes. */
  waiting: number;
}

export abstract class SemaphoreBase extends Acquirable {
  private readonly taking: Taking;

  protected constructor(type: Kind, opened: Opened, taking: Taking) {
    super(type, opened);
    this.taking = taking;
  }

  /** The number of free permits. */
  abstract get value(): number;

  /** Its state, read from its words. */
  protected abstract get facts(): Describe<{ readonly value: number }>;

  /** Gives `n` permits. */
  abstract release(n?: number): void;

  /** @internal */
  abstract releaseTurn(turn: number): void;

  /** @internal */
  override waitFor(): Taking {
    return this.taking;
  }

  /** @internal */
  override suspect(): number {
    return this.taking.suspect();
  }

  /** @internal */
  tokenOfTurn(_turn: number, known: number | undefined): number {
    this.checkOpen();
    return known ?? drawToken(this.cell);
  }

  override describe(): SemaphoreDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      return {
        kind: SharedObject.kindOf(this),
        name: this.name ?? null,
        handle: this.handle,
        value: this.facts(namespace, this.cell).state.value,
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { value, waiting } = this.describe();
    return waiting === 0 ? `value ${value}` : `value ${value}, ${waiting} waiting`;
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
