/**
 * The common part of Lock and RLock: everything but the rules on entering again and on releasing.
 */

import { inspect } from 'node:util';
import type { Describe } from '../../agents/facts.ts';
import type { Kind } from '../../agents/kinds.ts';
import { countWaiting } from '../../agents/waiters.ts';
import type { Lockable, LockOptions, Owner } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { checkPolicy, Deadline } from '../../deadline.ts';
import { InvalidTypeError } from '../../errors.ts';
import type { Place } from '../../memory/place.ts';
import type { Opened } from '../../objects/opened.ts';
import type { Description } from '../../objects/shared-object.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { takeAwaiting, takeBlocking } from '../../waiting/taking.ts';
import { Acquirable } from '../acquirable.ts';
import { forgetToken, tokenOf } from '../token.ts';
import { LockWait } from './lock-wait.ts';
import { ownerOf, STACKS_BIT, setMarks, TOLERANT_BIT } from './lock-words.ts';
import type { RawLock, Suspended } from './raw-lock.ts';
import { runInScope } from './scope.ts';

/** The state of a lock, as `describe()` returns it. */
export interface LockDescription extends Description {
  locked: boolean;
  owner: Owner | null;
  /** Calls that wait for it, blocked and awaiting, in all processes. */
  waiting: number;
}

export abstract class LockBase<Raw extends RawLock = RawLock> extends Acquirable implements Lockable {
  protected readonly raw: Raw;

  protected constructor(type: Kind, opened: Opened, raw: Raw) {
    super(type, opened);
    this.raw = raw;
  }

  /** Whether any thread of any process holds it. */
  get locked(): boolean {
    this.checkOpen();
    return this.holder !== 0;
  }

  /** The holder, or `null`. */
  get owner(): Owner | null {
    this.checkOpen();
    const { holder } = this;
    return holder === 0 ? null : this.cell.agent.namespace.identity(holder);
  }

  /**
   * Whether the last holder died while it held the lock. It is `hold.recovered` of this thread's
   * hold, for code within `run`. After the wait of a condition, it also reports a holder that died
   * during the wait. `false` while this thread does not hold the lock.
   */
  get recovered(): boolean {
    this.checkOpen();
    return this.raw.isTold && ownerOf(this.raw.state) === this.raw.me;
  }

  /** Gives the lock back. */
  abstract release(): void;

  /** @internal Throws `NotOwnerError` or `NotLockedError` unless the running code holds it. */
  abstract checkOwned(refused: string): void;

  /** @internal Releases it whole, however deep it is held. */
  abstract giveUp(): Suspended;

  /** @internal */
  override waitFor(options: WaitOptions | undefined, blocks: boolean, { timed }: Deadline): LockWait {
    return new LockWait(this.raw, { blocks, reports: options?.deadlock !== 'ignore', timed });
  }

  /** @internal */
  override suspect(): number {
    return this.raw.suspect();
  }

  /** @internal */
  tokenOfTurn(turn: number): number {
    this.checkOpen();
    return tokenOf(this.cell, turn);
  }

  /**
   * @internal Takes it again as it was held. Not bounded by any timeout: a call that waited on a
   *   condition returns with the lock held.
   */
  async takeBack(holding: Suspended): Promise<void> {
    if (!this.raw.tryTake()) {
      await takeAwaiting(this.cell, this.waitFor(undefined, false, Deadline.NEVER), Deadline.NEVER, this);
    }
    forgetToken(this.cell);
    this.takenBack(holding);
  }

  /** @internal The same. *Blocks*. */
  takeBackSync(holding: Suspended): void {
    if (!this.raw.tryTake()) {
      takeBlocking(this.cell, this.waitFor(undefined, true, Deadline.NEVER), Deadline.NEVER);
    }
    forgetToken(this.cell);
    this.takenBack(holding);
  }

  override describe(): LockDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      const [holder] = this.facts(namespace, this.cell).holders;
      // An empty slot holds nothing: a thread that wants the lock frees it.
      const owner =
        holder !== undefined && namespace.isLive(holder.slot) ? namespace.identity(holder.slot) : null;
      return {
        kind: SharedObject.kindOf(this),
        name: this.name ?? null,
        handle: this.handle,
        locked: owner !== null,
        owner,
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { owner, waiting } = this.describe();
    const held = owner === null ? 'free' : `held by ${owner.name} (pid ${owner.pid})`;
    return waiting === 0 ? held : `${held}, ${waiting} waiting`;
  }

  /**
   * Slot of the agent that holds it. An empty slot holds nothing: a thread that wants the lock
   * frees it.
   */
  private get holder(): number {
    const slot = ownerOf(this.raw.state);
    return this.cell.agent.namespace.isLive(slot) ? slot : 0;
  }

  /** Its state, read from its words. */
  protected abstract get facts(): Describe;

  /** Restores the holding, after the lock was taken again. */
  protected abstract takenBack(holding: Suspended): void;

  protected override inScope<Result>(act: () => Result): Result {
    return runInScope(act);
  }
}

/** Notes its options in a new lock. */
export function markLock(place: Place, title: string, options: LockOptions | undefined): void {
  const { deadlock, stacks = false } = options ?? {};
  checkPolicy(title, deadlock);
  if (typeof stacks !== 'boolean') {
    throw new InvalidTypeError(`${title}: refused, stacks is ${inspect(stacks)}; pass true or false`);
  }
  setMarks(place, (deadlock === 'ignore' ? TOLERANT_BIT : 0) | (stacks ? STACKS_BIT : 0));
}
