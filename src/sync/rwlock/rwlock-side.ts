/** The two sides of a reader-writer lock: how to take it to read, and how to write. */

import type { Cell } from '../../agents/cell.ts';
import type { Pressure } from '../../agents/wait.ts';
import { tell } from '../../channels.ts';
import { forbidSending } from '../../codec/sendable.ts';
import type { Hold, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { DeadlockError, NotOwnerError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { Taking } from '../../waiting/taking.ts';
import { acquireBlocking, acquireLater, takeOrReap } from '../acquirable.ts';
import { unlessAwaiting } from '../forgotten-await.ts';
import { SharedHold } from '../hold.ts';
import { runInside, runInsideSync } from '../inside.ts';
import type { Scope } from '../lock/scope.ts';
import { currentScope, runInScope } from '../lock/scope.ts';
import { drawToken } from '../token.ts';
import type { RawRWLock } from './raw-rwlock.ts';

/** The lock that a side belongs to. */
export interface Host {
  readonly raw: RawRWLock;
  readonly keeper: object;
  readonly title: string;
  checkOpen(): void;
}

/**
 * Holdings of this agent: the scope of each, by its turn. Shared by all objects that stand for the
 * lock.
 */
class SideScopes {
  readonly reads: Map<number, Scope> = new Map();
  readonly writes: Map<number, Scope> = new Map();
  turns = 0;

  private static readonly all = new WeakMap<RawRWLock, SideScopes>();

  static of(raw: RawRWLock): SideScopes {
    const known = SideScopes.all.get(raw);
    if (known !== undefined) return known;
    const made = new SideScopes();
    SideScopes.all.set(raw, made);
    return made;
  }
}

/**
 * One side of a reader-writer lock. Its waits take a timeout and a signal, as those of `Lock` do.
 */
export abstract class RWLockSide {
  protected readonly host: Host;
  protected readonly raw: RawRWLock;
  protected readonly scopes: SideScopes;

  /** @internal */
  constructor(host: Host) {
    this.host = host;
    this.raw = host.raw;
    this.scopes = SideScopes.of(host.raw);
  }

  /** One line with the side and the state of the lock. */
  toString(): string {
    return `<${this.verb} side of ${String(this.host.keeper)}>`;
  }

  /** Waits for this side; the event loop keeps running. Resolves to `null` at the timeout. */
  acquire(options?: UntimedWaitOptions): Promise<Hold>;
  acquire(options: WaitOptions): Promise<Hold | null>;
  async acquire(options?: WaitOptions): Promise<Hold | null> {
    return acquireLater(this, options, this.host.keeper);
  }

  /** Waits for this side, and *blocks* the thread. Returns `null` at the timeout. */
  acquireSync(options?: UntimedWaitOptions): Hold;
  acquireSync(options: WaitOptions): Hold | null;
  acquireSync(options?: WaitOptions): Hold | null {
    return acquireBlocking(this, options);
  }

  /** Takes this side if it is free. Never waits. */
  tryAcquire(): Hold | null {
    return takeOrReap(this);
  }

  /** Releases the latest hold of the running flow. Throws `NotOwnerError` if it has none. */
  release(): void {
    this.host.checkOpen();
    const mine = [...this.own].filter(([, scope]) => currentScope().isWithin(scope));
    const last = mine.at(-1);
    if (last === undefined) {
      throw new NotOwnerError(
        `${this.host.title}: can't be released, this flow does not ${this.verb} it` +
          unlessAwaiting(this.raw.cell, 'release once for each acquire'),
      );
    }
    this.releaseTurn(last[0]);
  }

  /**
   * Runs `fn` while it holds this side, and releases it when `fn` has returned or thrown. Resolves
   * to `null` at the timeout, without running `fn`.
   */
  run<Result>(fn: () => Result | Promise<Result>, options?: UntimedWaitOptions): Promise<Result>;
  run<Result>(fn: () => Result | Promise<Result>, options: WaitOptions): Promise<Result | null>;
  run<Result>(fn: () => Result | Promise<Result>, options?: WaitOptions): Promise<Result | null> {
    return runInScope(() => runInside(this, this.host.title, fn, options));
  }

  /**
   * Runs `fn` while it holds this side. *Blocks* the thread during the wait. If `fn` is async, use
   * `run`.
   */
  runSync<Result>(fn: () => Result, options?: UntimedWaitOptions): Result;
  runSync<Result>(fn: () => Result, options: WaitOptions): Result | null;
  runSync<Result>(fn: () => Result, options?: WaitOptions): Result | null {
    return runInsideSync(this, this.host.title, fn, options);
  }

  /** @internal */
  releaseTurn(turn: number): void {
    // The lock was closed while held, so it is already given back.
    if (this.raw.cell.closed || !this.own.delete(turn)) return;
    this.giveBack();
  }

  /** @internal */
  tokenOfTurn(_turn: number, known: number | undefined): number {
    this.host.checkOpen();
    return known ?? drawToken(this.raw.cell);
  }

  /** @internal */
  get cell(): Cell {
    return this.raw.cell;
  }

  /** @internal */
  takeNow(): Hold | null {
    this.host.checkOpen();
    return this.comeIn() ? this.held() : null;
  }

  /** @internal */
  waitFor(options: WaitOptions | undefined, blocks: boolean): Taking {
    if (options?.deadlock !== 'ignore') this.checkPossible(blocks);
    return this.wait();
  }

  /** @internal */
  suspect(): number {
    return this.raw.suspect();
  }

  protected abstract readonly verb: 'read' | 'write';
  /** Holdings of this side. */
  protected abstract get own(): Map<number, Scope>;
  /** Takes this side if it can be had now. */
  protected abstract comeIn(): boolean;
  protected abstract giveBack(): void;
  protected abstract wait(): Taking;
  /**
   * Throws `DeadlockError` if this flow, or this thread if it `blocks`, would wait for itself.
   */
  protected abstract checkPossible(blocks: boolean): void;
  protected abstract get recovered(): boolean;

  /** @internal */
  held(): Hold {
    const turn = ++this.scopes.turns;
    this.own.set(turn, currentScope());
    const { recovered } = this;
    if (recovered) tell('recovered', () => this.cell.about());
    return new SharedHold(this, turn, recovered);
  }

  /** Whether the running flow is among the holders. */
  protected isIn(holders: ReadonlyMap<number, Scope>): boolean {
    if (holders.size === 0) return false;
    const scope = currentScope();
    for (const holder of holders.values()) if (scope.isWithin(holder)) return true;
    return false;
  }

  protected refuse(holds: 'reads' | 'writes', blocks: boolean): never {
    const { agent } = this.raw.cell;
    const { title } = this.host;
    const who = agent.namespace.identity(agent.slot);
    const flow = blocks ? 'thread' : 'flow';
    throw new DeadlockError(
      `${title}: refused, this ${flow} ${holds} it already and would wait for itself before it could ${this.verb}; ` +
        (holds === 'reads'
          ? 'release the read hold before, or write from the beginning'
          : 'release the write hold before'),
      [{ ...who, holds: title, waitsFor: title, blocked: blocks, stack: null }],
    );
  }
}

export class ReadSide extends RWLockSide {
  protected override readonly verb = 'read';

  protected override get own(): Map<number, Scope> {
    return this.scopes.reads;
  }

  protected override get recovered(): boolean {
    return this.raw.damaged;
  }

  protected override comeIn(): boolean {
    const { raw, scopes } = this;
    if (!this.isIn(scopes.reads) && !this.isIn(scopes.writes)) return raw.tryRead();
    raw.readAgain();
    return true;
  }

  protected override giveBack(): void {
    this.raw.unread();
  }

  protected override checkPossible(blocks: boolean): void {
    if (blocks && this.scopes.writes.size > 0) this.refuse('writes', blocks);
  }

  protected override wait(): Taking {
    const { raw } = this;
    return {
      shared: true,
      tryTake: () => raw.tryRead(),
      peek: () => raw.open,
      attempt: (pressure: Pressure) => raw.attemptRead(pressure),
      abandon: () => raw.passOn(),
      passOn: () => raw.passOn(),
      taken: () => raw.passOn(),
      suspect: () => raw.suspect(),
    };
  }
}

export class WriteSide extends RWLockSide {
  protected override readonly verb = 'write';

  protected override get own(): Map<number, Scope> {
    return this.scopes.writes;
  }

  protected override get recovered(): boolean {
    return this.raw.recovered;
  }

  protected override comeIn(): boolean {
    return this.raw.tryWrite();
  }

  protected override giveBack(): void {
    this.raw.unwrite();
  }

  protected override checkPossible(blocks: boolean): void {
    const { reads, writes } = this.scopes;
    if (blocks ? reads.size > 0 : this.isIn(reads)) this.refuse('reads', blocks);
    if (blocks ? writes.size > 0 : this.isIn(writes)) this.refuse('writes', blocks);
  }

  protected override wait(): Taking {
    const { raw } = this;
    const call: Taking = {
      tryTake: () => raw.tryWrite(),
      peek: () => raw.mayWrite(call),
      attempt: (pressure: Pressure) => raw.attemptWrite(call, pressure),
      abandon: () => raw.abandonWrite(call),
      passOn: () => raw.abandonWrite(call),
      taken: () => {},
      suspect: () => raw.suspect(),
    };
    return call;
  }
}

showAsText(RWLockSide);
forbidSending(RWLockSide.prototype, 'a side of an RWLock (send the RWLock, and take its side there)');
