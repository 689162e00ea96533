/** ClusterLock and ClusterRLock: one holder at a time, over all processes of a cluster. */

import type { AsyncLock } from '../../contracts.ts';
import type { Deadline } from '../../deadline.ts';
import { type LockstepError, NotLockedError, NotOwnerError } from '../../errors.ts';
import { lockOf } from '../machines/kinds.ts';
import { sessionOf } from '../machines/machine.ts';
import { ClusterAcquirable } from './acquirable.ts';
import { ClusterHold } from './cluster-hold.ts';
import type { Core } from './core.ts';
import { within } from './core.ts';
import type { Places } from './places.ts';
import { currentScope, runInScope, type Scope } from './scope.ts';

/** The state of a lock of the cluster, as `describe()` returns it. */
export interface ClusterLockDescription {
  readonly kind: string;
  readonly name: string;
  readonly locked: boolean;
  /** The session that holds it; `null` for a moment while a hand-off is confirmed. */
  readonly owner: string | null;
  readonly token: number | null;
  readonly waiting: number;
}

export function lockPlaces(core: Core, kind: string, name: string): Places {
  const title = `${kind} ${JSON.stringify(name)}`;
  return { core, name, key: name, machine: lockOf(kind), each: 1, leased: true, title };
}

/**
 * A lock over all processes of the cluster. Not re-entrant. First come, first served.
 *
 * A holder has a lease: when its process dies, or can't reach the server for so long, the lock goes
 * to the next holder, which has a larger `hold.token`. A process that is suspended and continues
 * may still believe that it holds the lock. Where that would do harm, pass the token to the guarded
 * resource, and let it refuse smaller tokens. Check `hold.valid` before each step, and stop at
 * `hold.signal`.
 */
export class ClusterLock extends ClusterAcquirable implements AsyncLock {
  /** @internal */
  constructor(places: Places) {
    super(places);
  }

  /** Whether anybody holds it, or was offered it and may be in already. */
  get locked(): Promise<boolean> {
    return this.view().then(({ free }) => free === 0);
  }

  /**
   * Whether a holder had died inside before this connection came in; `false` while it holds
   * nothing.
   */
  get recovered(): boolean {
    return this.latest?.recovered ?? false;
  }

  /**
   * Releases the latest hold of this connection. If this has none, throws `NotLockedError` where
   * nobody holds the lock, and `NotOwnerError` where another does: a lease can only be ended by its
   * session.
   */
  async release(): Promise<void> {
    const hold = this.latest;
    if (hold === undefined) throw await this.notHeld();
    await hold.release();
  }

  async describe(): Promise<ClusterLockDescription> {
    const { holders, free, waiting } = await this.view();
    const [holder] = holders;
    const [kind] = this.places.title.split(' ');
    return {
      kind: kind!,
      name: this.name,
      locked: free === 0,
      owner: holder === undefined ? null : sessionOf(holder.call),
      token: holder?.token ?? null,
      waiting,
    };
  }

  /** @internal The hold of the running flow. Throws `NotOwnerError` where it has none. */
  owned(refused: string): ClusterHold {
    const hold = this.latest;
    if (hold === undefined) throw this.notOwner(refused);
    return hold;
  }

  /**
   * @internal Marks the lock as not held while a condition waits. Returns a function that marks it
   *   as held again.
   */
  suspend(hold: ClusterHold): () => void {
    const { core, key } = this.places;
    const others = (core.holds.get(key) ?? []).filter((other) => other !== hold);
    if (others.length > 0) core.holds.set(key, others);
    else core.holds.delete(key);
    return () => core.holds.set(key, [...(core.holds.get(key) ?? []), hold]);
  }

  /** The error of a release without a hold. The server is asked only if it can be reached. */
  protected async notHeld(): Promise<LockstepError> {
    const { core, title } = this.places;
    if (core.session.state === 'connected' && !(await this.locked)) {
      return new NotLockedError(`${title}: can't be released, nobody holds it; acquire it first`);
    }
    return this.notOwner(`${title}: can't be released`);
  }

  /** `refused`: the beginning of the message. */
  protected notOwner(refused: string): NotOwnerError {
    return new NotOwnerError(`${refused}, this connection does not hold it; acquire it first`);
  }
}

/** The owner of an RLock within a connection, and the depth of its hold. */
interface Ownership {
  readonly hold: ClusterHold;
  scope: Scope;
  depth: number;
}

/** An RLock within a connection. Several objects can stand for it. */
interface Owned {
  owner: Ownership | undefined;
  /** Scopes that are just taking it, each with a promise that settles when its attempt is over. */
  readonly taking: Map<Scope, Promise<unknown>>;
}

/** All RLocks of a connection, by key. */
const allOwned = new WeakMap<Core, Map<string, Owned>>();

/**
 * A lock that its owner may take again, and must release as often. Owned by a connection and a
 * scope.
 */
export class ClusterRLock extends ClusterLock {
  private readonly ours: Owned;

  /** @internal */
  constructor(places: Places) {
    super(places);
    const all = allOwned.get(places.core) ?? new Map<string, Owned>();
    allOwned.set(places.core, all);
    this.ours = all.get(places.key) ?? { owner: undefined, taking: new Map() };
    all.set(places.key, this.ours);
  }

  /** How often the running flow has taken it; 0 where it does not hold it. */
  get depth(): number {
    return this.mine?.depth ?? 0;
  }

  override async release(): Promise<void> {
    const { mine } = this;
    if (mine === undefined) throw await this.notHeld();
    await this.giveBack(mine.hold);
  }

  override owned(refused: string): ClusterHold {
    const { mine } = this;
    if (mine === undefined) throw this.notOwner(refused);
    return mine.hold;
  }

  override suspend(hold: ClusterHold): () => void {
    const { mine, ours } = this;
    const resume = super.suspend(hold);
    ours.owner = undefined;
    return () => {
      resume();
      if (mine !== undefined) ours.owner = mine;
    };
  }

  protected override within<Result>(act: () => Promise<Result>): Promise<Result> {
    return this.mine === undefined ? runInScope(act) : act();
  }

  /**
   * If one scope makes several calls at a time, one takes the lock and the others enter after it.
   */
  protected override async take(deadline: Deadline): Promise<ClusterHold | null> {
    const { ours, places } = this;
    const scope = currentScope();
    for (;;) {
      const { mine } = this;
      if (mine !== undefined) {
        mine.depth++;
        return this.nested(mine);
      }
      const before = [...ours.taking].find(([other]) => scope.isWithin(other))?.[1];
      if (before === undefined) break;
      await within(before, deadline, places.core);
      deadline.throwIfAborted();
      if (deadline.expired && this.mine === undefined) return null;
    }
    const first = this.takeFirst(scope, deadline);
    const over = (): boolean => ours.taking.delete(scope);
    ours.taking.set(scope, first.then(over, over));
    return first;
  }

  private async takeFirst(scope: Scope, deadline: Deadline): Promise<ClusterHold | null> {
    const hold = await super.take(deadline);
    if (hold === null) return null;
    const owner = { hold, scope, depth: 1 };
    this.ours.owner = owner;
    return this.nested(owner);
  }

  protected override async giveBack(hold: ClusterHold): Promise<void> {
    const { owner } = this.ours;
    if (owner === undefined || owner.hold !== hold) return super.giveBack(hold);
    if (hold.loss === undefined && --owner.depth > 0) return;
    this.ours.owner = undefined;
    await super.giveBack(hold);
  }

  private get mine(): Ownership | undefined {
    const { owner } = this.ours;
    if (owner === undefined || !currentScope().isWithin(owner.scope)) return undefined;
    // A lost hold is not held: the next acquire takes the lock again.
    return owner.hold.loss === undefined ? owner : undefined;
  }

  /** A hold for one more level of depth. */
  private nested({ hold }: Ownership): ClusterHold {
    return new ClusterHold(hold.standing, true, () => this.giveBack(hold));
  }
}
