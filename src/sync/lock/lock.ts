/**
 * Lock: one holder at a time, across processes and threads; survives the death of its holder.
 *
 * Words and algorithm: raw-lock.ts. Fast paths: one compare-and-swap to take, one to release.
 */

import { cas } from '#atomics';
import type { Describe } from '../../agents/facts.ts';
import type { Kind } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import type { Hold, LockOptions } from '../../contracts.ts';
import { NotLockedError, NotOwnerError } from '../../errors.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import { openHandle } from '../../objects/handles.ts';
import { obtain } from '../../objects/obtain.ts';
import { Opened } from '../../objects/opened.ts';
import { unlessAwaiting } from '../forgotten-await.ts';
import { SharedHold } from '../hold.ts';
import { LockBase, markLock } from './lock-base.ts';
import { describeLock } from './lock-facts.ts';
import { holderOf, isSignal, ownerOf, pledgeOf, recoverLock } from './lock-words.ts';
import type { Suspended } from './raw-lock.ts';
import { RawLock } from './raw-lock.ts';
import { watcherFor } from './watcher.ts';

/**
 * A lock that processes and threads share. Not re-entrant. Any thread may release it, as in Python.
 *
 * *If the holder dies*, the lock is freed, and the next holder's `hold.recovered` is `true`: the
 * data that the lock guards may be half-written.
 *
 * Order: waiters are served in the order in which they came, but a running thread may take a free
 * lock before a waiter has woken up. A waiter that was passed over and has waited for over half a
 * millisecond is served next.
 *
 * @example
 * const lock = new Lock({ name: 'invoices' });
 * using hold = lock.acquireSync({ timeout: 500 });
 * if (hold === null) throw new Error('busy');
 */
export class Lock extends LockBase {
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
        : obtain(LOCK_KIND, source, (place) => markLock(place, LOCK_KIND.name, source));
    super(LOCK_KIND, opened, RawLock.of(opened.cell, watcherFor));
  }

  protected override get facts(): Describe {
    return describeLock;
  }

  /** Opens the lock that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Lock {
    return new Lock(openHandle(LOCK_KIND, handle));
  }

  /** @internal */
  override takeNow(): Hold | null {
    const { cell, raw } = this;
    if (cas(cell.words, cell.at + CELL_STATE, 0, raw.me) === 0)
      return new SharedHold(this, raw.begin(), false);
    this.checkOpen();
    return raw.tryTake() ? this.held() : null;
  }

  /**
   * Releases the lock, even if another thread holds it. Throws `NotLockedError` if no thread holds
   * it. Throws `NotOwnerError` if another thread holds it while an `acquire()` of this thread still
   * waits: then an `await` was forgotten. That check is left out for a lock that serves as a
   * signal: one made with `deadlock: 'ignore'`, or one that a thread has released for another
   * before.
   */
  override release(): void {
    const { cell, raw } = this;
    if (raw.release(cell)) return;
    this.checkOpen();
    if (cell.hasFlows) this.checkAwaited();
    if (!raw.free()) {
      const advice = unlessAwaiting(cell, 'release once for each acquire');
      throw new NotLockedError(`${this.title}: can't be released, nobody holds it${advice}`);
    }
  }

  /**
   * Throws if a release would free the lock of another thread while a call of this thread waits for
   * it.
   */
  private checkAwaited(): void {
    const { cell, raw, owner } = this;
    if (owner === null || ownerOf(raw.state) === raw.me || isSignal(cell)) return;
    throw new NotOwnerError(
      `${this.title}: can't be released, it is held by ${owner.name} (pid ${owner.pid}, thread ${owner.threadId})` +
        unlessAwaiting(cell, 'acquire it first'),
    );
  }

  /** @internal Gives back the holding `turn`, unless another thread has released it. */
  releaseTurn(turn: number): void {
    const { cell, raw } = this;
    if (turn !== raw.turn || raw.release(cell)) return;
    if (!this.closed && ownerOf(raw.state) === raw.me) raw.free();
  }

  /** @internal */
  override checkOwned(refused: string): void {
    this.checkOpen();
    if (ownerOf(this.raw.state) === this.raw.me) return;
    const advice = unlessAwaiting(this.cell, 'acquire it first');
    throw new NotOwnerError(`${refused}, this thread does not hold its ${this.title}${advice}`);
  }

  /** @internal */
  override giveUp(): Suspended {
    const holding = this.raw.suspend(1);
    this.release();
    return holding;
  }

  protected override takenBack(holding: Suspended): void {
    this.raw.resume(holding);
  }

  /** @internal */
  override held(): Hold {
    const recovered = this.raw.beginTold();
    return new SharedHold(this, this.raw.turn, recovered);
  }
}

export const LOCK_KIND: Kind = defineKind({
  number: 3,
  name: 'Lock',
  serial: true,
  recover: recoverLock,
  holder: holderOf,
  pledge: pledgeOf,
  open: Lock.open,
});
