/**
 * The semaphores of a cluster: a plain one, which is a signal, and one whose permits have owners.
 */

import { inspect } from 'node:util';
import type { AsyncSemaphore } from '../../contracts.ts';
import { InvalidTypeError, OutOfRangeError, OverReleaseError } from '../../errors.ts';
import { boundedSemaphoreOf, semaphoreOf } from '../machines/kinds.ts';
import { ClusterAcquirable } from './acquirable.ts';
import type { Core } from './core.ts';
import { perform } from './core.ts';
import type { Places } from './places.ts';

/** The largest number of permits. */
const MOST_PERMITS: number = 2 ** 30;

/** The state of a semaphore of the cluster, as `describe()` returns it. */
export interface ClusterSemaphoreDescription {
  readonly kind: string;
  readonly name: string;
  /** Permits that are free. */
  readonly value: number;
  readonly waiting: number;
}

/** Checks the number of permits and makes the parts of a semaphore. */
export function semaphorePlaces(core: Core, kind: string, name: string, of: number): Places {
  const title = `${kind} ${JSON.stringify(name)}`;
  checkCount(title, 'its value', of, 0);
  const leased = kind === 'BoundedSemaphore';
  const machine = leased ? boundedSemaphoreOf(of) : semaphoreOf(of);
  return { core, name, key: name, machine, each: 1, leased, title };
}

abstract class ClusterPermits extends ClusterAcquirable implements AsyncSemaphore {
  /** @internal */
  constructor(places: Places) {
    super(places);
  }

  /** The number of free permits. */
  get value(): Promise<number> {
    return this.view().then(({ free }) => free);
  }

  abstract release(n?: number): Promise<void>;

  async describe(): Promise<ClusterSemaphoreDescription> {
    const { free: value, waiting } = await this.view();
    const [kind] = this.places.title.split(' ');
    return { kind: kind!, name: this.name, value, waiting };
  }
}

/**
 * A count of permits over all processes of the cluster: a signal, because one process may acquire
 * and another release. *If a process dies* its permits are lost, because permits have no owner. Use
 * `boundedSemaphore` where they have to come back.
 */
export class ClusterSemaphore extends ClusterPermits {
  /** Adds `n` permits. */
  async release(n = 1): Promise<void> {
    const { core, key, machine, title } = this.places;
    checkCount(title, 'n', n, 1);
    const most = MOST_PERMITS;
    const { reply } = await perform(core, key, machine, (call) => ({
      op: 'give' as const,
      call,
      places: n,
      most,
    }));
    if (reply.is === 'tooMany')
      throw new OutOfRangeError(`${title}: can't release ${n}, at most ${most} permits fit`);
  }
}

/**
 * Permits whose holders have a lease: a dead process's permits come back. All processes have to
 * pass the same number: while it is in use, another is refused with `NameTakenError`.
 */
export class ClusterBoundedSemaphore extends ClusterPermits {
  /** Gives back `n` permits of this connection, the latest first. Throws `OverReleaseError`. */
  async release(n = 1): Promise<void> {
    const { core, key, title } = this.places;
    checkCount(title, 'n', n, 1);
    const own = core.holds.get(key) ?? [];
    if (own.length < n) {
      throw new OverReleaseError(
        `${title}: can't release ${n}, this connection holds ${own.length}; release once for each acquire`,
      );
    }
    await Promise.all(own.slice(-n).map((hold) => hold.release()));
  }
}

/** Throws unless the value is a whole number from `least` on. */
export function checkCount(title: string, what: string, value: unknown, least: number): void {
  if (typeof value !== 'number') {
    throw new InvalidTypeError(`${title}: refused, ${what} is ${inspect(value)}; pass a number`);
  }
  if (Number.isInteger(value) && value >= least && value <= MOST_PERMITS) return;
  throw new OutOfRangeError(
    `${title}: refused, ${what} is ${value}; pass a whole number from ${least} to ${MOST_PERMITS}`,
  );
}
