/**
 * BoundedSemaphore: a semaphore that records the holder of each permit.
 *
 * Words and algorithm: raw-permits.ts.
 */

import { load, store } from '#atomics';
import type { Host } from '../../agents/cell.ts';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import type { Hold, ObjectOptions } from '../../contracts.ts';
import { NameTakenError, OverReleaseError } from '../../errors.ts';
import { MOST_EXTRA_WORDS } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import { obtainChecked } from '../../objects/content.ts';
import { makeExtraWords } from '../../objects/extra-words.ts';
import { openHandle } from '../../objects/handles.ts';
import { Opened } from '../../objects/opened.ts';
import { SharedHold } from '../hold.ts';
import { holdsPermit, RawPermits, recoverPermits } from './raw-permits.ts';
import { checkPermits, SemaphoreBase } from './semaphore-base.ts';
import { describeBoundedSemaphore, LIMIT_WORD } from './semaphore-facts.ts';

/**
 * A semaphore that records the holder of each permit, and never has more permits than it was made
 * with.
 *
 * *If a holder dies*, its permits come back, exactly as many as it held.
 *
 * @example
 * const connections = new BoundedSemaphore(5, { name: 'database' });
 * await connections.run(() => query());
 */
export class BoundedSemaphore extends SemaphoreBase {
  private readonly raw: RawPermits;

  /** `value`: the number of permits, 0 to 65,536. Throws `OutOfRangeError`, `InvalidTypeError`. */
  constructor(value?: number, options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source: number | Opened = 1, options?: ObjectOptions) {
    const opened = source instanceof Opened ? source : obtainBounded(source, options);
    const raw = RawPermits.of(opened.cell);
    super(BOUNDED_SEMAPHORE_KIND, opened, raw);
    this.raw = raw;
  }

  protected override get facts(): typeof describeBoundedSemaphore {
    return describeBoundedSemaphore;
  }

  /** Opens the semaphore that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): BoundedSemaphore {
    return new BoundedSemaphore(openHandle(BOUNDED_SEMAPHORE_KIND, handle));
  }

  /** The number of free permits. */
  override get value(): number {
    this.checkOpen();
    return this.raw.value;
  }

  /** The total number of permits. */
  get limit(): number {
    return this.raw.permits.length;
  }

  /** @internal */
  override takeNow(): Hold | null {
    this.checkOpen();
    return this.raw.tryTake() ? this.held() : null;
  }

  /**
   * Releases `n` permits: first those of this thread, then those of others. Throws
   * `OverReleaseError` if fewer permits are taken.
   */
  override release(n = 1): void {
    this.checkOpen();
    checkPermits(this.title, 'n', n, 1, MOST_EXTRA_WORDS);
    const { raw } = this;
    // Free at most as many permits as are taken; other agents may be faster.
    const out = raw.permits.length - raw.value;
    let freed = 0;
    while (n <= out && freed < n && raw.freeAny()) freed++;
    if (freed > 0) raw.announce(freed);
    if (freed === n) return;
    throw new OverReleaseError(
      `${this.title}: can't release ${n}, only ${freed > 0 ? freed : out} of its ${this.limit} permits were out; release once for each acquire`,
    );
  }

  /**
   * @internal Gives back the permit of the holding `turn`, unless another thread has released it.
   */
  releaseTurn(turn: number): void {
    if (this.closed) return;
    const { raw } = this;
    const index = turn % raw.permits.length;
    if (Math.floor(turn / raw.permits.length) !== raw.turns[index] || !raw.freeOwn(index)) return;
    raw.announce(1);
  }

  /** @internal */
  override held(): Hold {
    const { unclaimed, turns, permits } = this.raw;
    const index = unclaimed.pop()!;
    return new SharedHold(this, turns[index]! * permits.length + index, false);
  }
}

function obtainBounded(limit: number, options: ObjectOptions | undefined): Opened {
  checkPermits(BOUNDED_SEMAPHORE_KIND.name, 'its value', limit, 0, MOST_EXTRA_WORDS);
  const make = (place: Place, agent: Host): void => {
    store(place.words, place.at + LIMIT_WORD, limit);
    makeExtraWords(place, limit, agent);
  };
  const check = ({ cell, name }: Opened): void => {
    const there = load(cell.words, cell.at + LIMIT_WORD);
    if (there === limit) return;
    throw new NameTakenError(
      `${BOUNDED_SEMAPHORE_KIND.name} ${JSON.stringify(name)}: refused, the one of that name has ${there} permits and not ${limit}; open it with the same number`,
    );
  };
  return obtainChecked(BOUNDED_SEMAPHORE_KIND, options, { make, check });
}

export const BOUNDED_SEMAPHORE_KIND: Kind = defineKind({
  number: 6,
  name: 'BoundedSemaphore',
  serial: true,
  chain: true,
  recover: recoverPermits,
  holds: holdsPermit,
  open: BoundedSemaphore.open,
});
