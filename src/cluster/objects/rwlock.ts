/** ClusterRWLock: readers together, a writer alone, first come first served. */

import type { AsyncRWLock, AsyncRWLockSide } from '../../contracts.ts';
import type { Deadline } from '../../deadline.ts';
import { NotOwnerError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import { rwlockOf, WRITER_PLACES } from '../machines/kinds.ts';
import { sessionOf } from '../machines/machine.ts';
import { ClusterAcquirable } from './acquirable.ts';
import type { ClusterHold } from './cluster-hold.ts';
import type { Core } from './core.ts';
import { look } from './core.ts';
import type { Places } from './places.ts';

const MACHINE = rwlockOf();

/** The state of a reader-writer lock of the cluster, as `describe()` returns it. */
export interface ClusterRWLockDescription {
  readonly kind: 'RWLock';
  readonly name: string;
  /** The sessions that read, once for each hold. */
  readonly readers: readonly string[];
  /** The session that writes. */
  readonly writer: string | null;
  readonly waiting: number;
}

/** Holds of a side that were not released, by connection and key. */
type Sides = WeakMap<Core, Map<string, ClusterHold[]>>;

const sides: Readonly<Record<'read' | 'write', Sides>> = { read: new WeakMap(), write: new WeakMap() };

/** One side of a reader-writer lock. */
export class ClusterRWLockSide extends ClusterAcquirable implements AsyncRWLockSide {
  private readonly side: 'read' | 'write';
  private readonly taken: ClusterHold[];

  /** @internal */
  constructor(places: Places, side: 'read' | 'write') {
    super(places);
    this.side = side;
    const { core, key } = places;
    const all = sides[side].get(core) ?? new Map<string, ClusterHold[]>();
    sides[side].set(core, all);
    this.taken = all.get(key) ?? [];
    all.set(key, this.taken);
  }

  /**
   * Releases the latest hold of this side that this connection has. Throws `NotOwnerError` if it
   * has none.
   */
  async release(): Promise<void> {
    const hold = this.taken.at(-1);
    if (hold === undefined) {
      throw new NotOwnerError(
        `${this.places.title}: the hold to ${this.side} can't be released, this connection has none; acquire it first`,
      );
    }
    await hold.release();
  }

  /** @internal */
  protected override async take(deadline: Deadline): Promise<ClusterHold | null> {
    const hold = await super.take(deadline);
    if (hold !== null) this.taken.push(hold);
    return hold;
  }

  /** @internal */
  protected override async giveBack(hold: ClusterHold): Promise<void> {
    const at = this.taken.indexOf(hold);
    if (at >= 0) this.taken.splice(at, 1);
    await super.giveBack(hold);
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
    this.read = new ClusterRWLockSide(this.places, 'read');
    this.write = new ClusterRWLockSide({ ...this.places, each: WRITER_PLACES }, 'write');
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.places.title}>`;
  }

  async describe(): Promise<ClusterRWLockDescription> {
    const { core, key } = this.places;
    const reply = await look(core, key, MACHINE, { op: 'look' });
    const holders = reply.is === 'view' ? reply.view.holders : [];
    const waiting = reply.is === 'view' ? reply.view.waiting : 0;
    const writer = holders.find(({ places }) => places === WRITER_PLACES);
    return {
      kind: 'RWLock',
      name: this.name,
      readers: holders.filter((holder) => holder !== writer).map(({ call }) => sessionOf(call)),
      writer: writer === undefined ? null : sessionOf(writer.call),
      waiting,
    };
  }
}

showAsText(ClusterRWLock);
