/** ClusterRWLock: readers together, a writer alone, first come first served. */

import type { AsyncRWLock } from '../../contracts.ts';
import { showAsText } from '../../readable.ts';
import { rwlockOf, WRITER_PLACES } from '../machines/kinds.ts';
import { ClusterAcquirable } from './acquirable.ts';
import type { Core } from './core.ts';
import { perform } from './core.ts';
import type { Places } from './places.ts';

const MACHINE = rwlockOf();

/** The state of a reader-writer lock of the cluster, as `describe()` returns it. */
export interface ClusterRWLockDescription {
  readonly kind: 'RWLock';
  readonly name: string;
  readonly readers: number;
  readonly written: boolean;
  readonly waiting: number;
}

/** One side of a reader-writer lock. */
export class ClusterRWLockSide extends ClusterAcquirable {
  /** @internal */
  constructor(places: Places) {
    super(places);
  }
}

/**
 * A lock that many readers hold together, or one writer alone, over all processes of the cluster.
 * Waiters are served in order of arrival: a waiting writer keeps later readers out.
 */
export class ClusterRWLock implements AsyncRWLock {
  readonly read: ClusterRWLockSide;
  readonly write: ClusterRWLockSide;
  readonly name: string;
  private readonly places: Places;

  /** @internal */
  constructor(core: Core, name: string) {
    const title = `RWLock ${JSON.stringify(name)}`;
    this.name = name;
    this.places = { core, name, key: name, machine: MACHINE, each: 1, leased: true, title };
    this.read = new ClusterRWLockSide(this.places);
    this.write = new ClusterRWLockSide({ ...this.places, each: WRITER_PLACES });
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.places.title}>`;
  }

  async describe(): Promise<ClusterRWLockDescription> {
    const { core, key } = this.places;
    const { reply } = await perform(core, key, MACHINE, () => ({ op: 'look' }));
    const holders = reply.is === 'view' ? reply.view.holders : [];
    const waiting = reply.is === 'view' ? reply.view.waiting : 0;
    const written = holders.some(({ places }) => places === WRITER_PLACES);
    return { kind: 'RWLock', name: this.name, readers: written ? 0 : holders.length, written, waiting };
  }
}

showAsText(ClusterRWLock);
