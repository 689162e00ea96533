/**
 * RLock: a lock that its owner may take again. Owned by an agent and a scope (scope.ts); free when
 * released as often as taken.
 *
 * Words and algorithm: raw-lock.ts. Only the owning agent needs the scope of the owner and its
 * depth. They are in ordinary memory, and DEPTH is a copy for other readers.
 */

import { cas, load } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import type { Describe } from '../../agents/facts.ts';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import type { Hold, LockOptions, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { NotLockedError, NotOwnerError } from '../../errors.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import { openHandle } from '../../objects/handles.ts';
import { obtain } from '../../objects/obtain.ts';
import { Opened } from '../../objects/opened.ts';
import { SharedObject } from '../../objects/shared-object.ts';
import { unlessAwaiting } from '../forgotten-await.ts';
import { SharedHold } from '../hold.ts';
import { runInside } from '../inside.ts';
import type { LockDescription } from './lock-base.ts';
import { LockBase, markLock } from './lock-base.ts';
import { describeRLock } from './lock-facts.ts';
import { DEPTH_WORD, holderOf, ownerOf, pledgeOf, recoverLock } from './lock-words.ts';
import type { Suspended } from './raw-lock.ts';
import { RawLock } from './raw-lock.ts';
import { currentScope } from './scope.ts';
import { watcherFor } from './watcher.ts';

/** The raw lock, with the state that only its owning agent needs. */
class RawRLock extends RawLock {
  depth = 0;

  static override of(cell: Cell): RawRLock {
    if (cell.extension instanceof RawRLock) return cell.extension;
    const made = new RawRLock(cell, watcherFor(cell));
    cell.extension = made;
    return made;
  }

  /** Whether the running code owns it. */
  get mine(): boolean {
    return this.depth > 0 && currentScope().isWithin(this.scope);
  }

  enter(): void {
    this.depth = 1;
    this.begin();
    this.setDepth(1);
  }

  override beginTold(): boolean {
    this.depth = 1;
    const told = super.beginTold();
    this.setDepth(1);
    return told;
  }
}

/** The state of an RLock, as `describe()` returns it. */
export interface RLockDescription extends LockDescription {
  /** How often its owner has taken it. */
  depth: number;
}

/**
 * A re-entrant lock that processes and threads share: its owner may take it again, and must release
 * it as often as it has taken it.
 *
 * The owner is a *scope* of a thread. All plain `acquire` calls of a thread have the same scope, so
 * they re-enter, as in Python. `run(fn)` makes a new scope, unless its caller owns the lock
 * already. So two concurrent `run` calls exclude each other, and a `run` inside a `run` re-enters.
 *
 * *If the owner dies*, the lock is freed, and the next holder's `hold.recovered` is `true`.
 */
export class RLock extends LockBase<RawRLock> {
  /**
   * Makes a lock, or opens the lock of that name. Throws `NameError`, `NameTakenError`,
   * `NoSpaceError`, `FolderError`, `ExhaustedError`.
   */
  constructor(options?: LockOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: LockOptions | Opened) {
    const opened =
      source instanceof Opened
        ? source
        : obtain(RLOCK_KIND, source, (place) => markLock(place, RLOCK_KIND.name, source));
    super(RLOCK_KIND, opened, RawRLock.of(opened.cell));
  }

  protected override get facts(): Describe {
    return describeRLock;
  }

  /** Opens the lock that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): RLock {
    return new RLock(openHandle(RLOCK_KIND, handle));
  }

  /** How many times the owner has taken it; 0 if it is free. */
  get depth(): number {
    this.checkOpen();
    return this.locked ? Math.max(1, load(this.cell.words, this.cell.at + DEPTH_WORD)) : 0;
  }

  /** Whether the running code owns it. */
  get owned(): boolean {
    return this.raw.mine && ownerOf(this.raw.state) === this.raw.me;
  }

  /** @internal */
  override takeNow(): Hold | null {
    const { cell, raw } = this;
    // Free: one compare-and-swap takes it.
    if (cas(cell.words, cell.at + CELL_STATE, 0, raw.me) === 0) {
      raw.enter();
      return new SharedHold(this, raw.turn, false);
    }
    this.checkOpen();
    // Owned by this scope: go one level deeper.
    if (this.owned) {
      raw.setDepth(++raw.depth);
      return new SharedHold(this, raw.turn, false);
    }
    return raw.tryTake() ? this.held() : null;
  }

  /**
   * Releases the lock once; it is free after as many calls as `acquire` calls. Throws
   * `NotOwnerError` if another scope or thread owns it, `NotLockedError` if it is free.
   */
  override release(): void {
    this.checkOpen();
    if (!this.owned) throw this.notReleasable();
    this.giveBack();
  }

  override run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  override run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  override run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result | null> {
    return this.owned ? runInside(this, this.title, fn, options) : super.run(fn, options ?? {});
  }

  override describe(): RLockDescription {
    return SharedObject.describe(this, () => ({ ...super.describe(), depth: this.depth }));
  }

  /** @internal Gives one level of the holding `turn` back. */
  releaseTurn(turn: number): void {
    if (turn !== this.raw.turn || this.raw.depth === 0 || this.closed) return;
    this.giveBack();
  }

  /** @internal */
  override checkOwned(refused: string): void {
    this.checkOpen();
    if (this.owned) return;
    const advice = unlessAwaiting(this.cell, 'acquire it first');
    throw new NotOwnerError(`${refused}, this flow does not hold its ${this.title}${advice}`);
  }

  /** @internal */
  override giveUp(): Suspended {
    const holding = this.raw.suspend(this.raw.depth);
    this.raw.depth = 1;
    this.giveBack();
    return holding;
  }

  protected override takenBack(holding: Suspended): void {
    const { raw } = this;
    raw.resume(holding);
    raw.depth = holding.depth;
    raw.setDepth(holding.depth);
  }

  /** @internal */
  override held(): Hold {
    const recovered = this.raw.beginTold();
    return new SharedHold(this, this.raw.turn, recovered);
  }

  private giveBack(): void {
    const { cell, raw } = this;
    if (raw.depth > 1) {
      raw.setDepth(--raw.depth);
      return;
    }
    raw.depth = 0;
    if (!raw.release(cell)) raw.free();
  }

  private notReleasable(): Error {
    const { owner } = this;
    if (owner === null) {
      const advice = unlessAwaiting(this.cell, 'release once for each acquire');
      return new NotLockedError(`${this.title}: can't be released, nobody holds it${advice}`);
    }
    const elsewhere =
      owner.pid === process.pid && this.raw.depth > 0 ? ', in another flow of this thread' : '';
    return new NotOwnerError(
      `${this.title}: can't be released here, it is held by ${owner.name} (pid ${owner.pid}, thread ${owner.threadId})${elsewhere}` +
        unlessAwaiting(this.cell, 'only its owner may do that'),
    );
  }
}

export const RLOCK_KIND: Kind = defineKind({
  number: 4,
  name: 'RLock',
  serial: true,
  recover: recoverLock,
  holder: holderOf,
  pledge: pledgeOf,
  open: RLock.open,
});
