/**
 * Session: this process's lease at the server. All holds and waits of the process belong to it, so
 * one renewal every third of the lease keeps them all alive.
 *
 * Two clocks are compared with themselves only. The server lets the session die when its own clock
 * is a lease beyond the last renewal. This process takes the lease for lost when its own clock is a
 * lease, less a margin, beyond the moment *before* it sent that renewal. So the process gives up
 * before the server does, as long as both clocks run at about the same speed.
 *
 *   connected   renewals are answered
 *   suspended   the connection is down, or a renewal has no answer: holds are still valid
 *   lost        the local deadline has passed, or the server says that the session is dead
 *
 * After a loss a new session begins under a new id; holds of the old session stay lost. Waiting
 * calls queue again, at the tail.
 */

import { clearTimeout, now, setTimeout, timeOfDay } from '#clock';
import { LeaseLostError, StoreError } from '../errors.ts';
import type { Bells } from './bells.ts';
import type { CallId } from './machines/machine.ts';
import { newSessionId } from './session-id.ts';
import type { Snapshot, Store } from './store.ts';
import { Unreachable } from './store.ts';

/** The state of the process's connection to the server. */
export type ClusterState = 'connected' | 'suspended' | 'lost';

/**
 * The unused part of the lease, for clocks of different speed and for late timers.
 */
const MARGIN = 0.1;
/** Renewals in a lease. */
const RENEWALS = 3;
const RETRY_MS = 25;
const MOST_RETRY_MS = 1_000;

/** One session: from its opening to its loss. */
export class Lease {
  readonly id: string = newSessionId();
  /** Counts the commits whose outcome was unknown: see `Store.fence`. */
  epoch = 0;
  private until = 0;
  private dayUntil = 0;
  private lossReason: LeaseLostError | undefined;
  private readonly losses = new Set<(reason: LeaseLostError) => void>();

  get valid(): boolean {
    // The clock of `now` stands still while the machine sleeps.
    return this.lossReason === undefined && now() < this.until && timeOfDay() < this.dayUntil;
  }

  get lost(): LeaseLostError | undefined {
    return this.lossReason;
  }

  /** Milliseconds until it is lost without another renewal. */
  get remaining(): number {
    return Math.max(0, Math.min(this.until - now(), this.dayUntil - timeOfDay()));
  }

  /** The server has answered a renewal that was sent at these times. */
  prolong(sent: number, sentDay: number, milliseconds: number): void {
    if (this.lossReason !== undefined) return;
    this.until = sent + milliseconds * (1 - MARGIN);
    this.dayUntil = sentDay + milliseconds * (1 - MARGIN);
  }

  /** Calls `act` when the lease is lost. Returns a function that ends this. */
  onLoss(act: (reason: LeaseLostError) => void): () => void {
    this.losses.add(act);
    return () => this.losses.delete(act);
  }

  lose(reason: LeaseLostError): void {
    if (this.lossReason !== undefined) return;
    this.lossReason = reason;
    for (const act of [...this.losses]) act(reason);
    this.losses.clear();
  }
}

export interface SessionEvents {
  state(state: ClusterState, reason: Error | undefined): void;
  rung(key: string, fresh: Snapshot | undefined): void;
  /** The server answers again; it may have crashed. */
  back(): void;
}

/** How to wait for a session. */
interface Readiness {
  /** At most so long; default: a lease. */
  readonly milliseconds?: number;
  /** The beginning of the error's message. */
  readonly refused?: string;
  readonly signal?: AbortSignal | undefined;
}

export class Session {
  readonly leaseMs: number;
  private current = new Lease();
  private stateNow: ClusterState = 'lost';
  private calls = 0;
  private renewal: NodeJS.Timeout | undefined;
  private end: NodeJS.Timeout | undefined;
  private poll: NodeJS.Timeout | undefined;
  private closed = false;
  /** Why the server did not answer the last time. */
  private trouble = 'it has not answered';
  private readonly store: Store;
  private readonly bells: Bells;
  private readonly events: SessionEvents;
  private readonly whenUp = new Set<() => void>();

  constructor(store: Store, leaseMs: number, bells: Bells, events: SessionEvents) {
    this.store = store;
    this.leaseMs = leaseMs;
    this.bells = bells;
    this.events = events;
  }

  get id(): string {
    return this.current.id;
  }

  get lease(): Lease {
    return this.current;
  }

  get state(): ClusterState {
    return this.stateNow;
  }

  nextCall(): CallId {
    return `${this.current.id}/${++this.calls}`;
  }

  /** Opens the first session. Rejects if the server can't be reached. */
  async open(): Promise<void> {
    await this.begin(new Lease());
    this.pollIfNeeded();
  }

  /** Throws `LeaseLostError` unless this is the present session, and alive. */
  checkAlive(id: string): void {
    if (id === this.current.id && this.current.lost === undefined) {
      if (this.current.valid) return;
      throw this.lose(id);
    }
    throw this.lossOf(id);
  }

  /**
   * The session is dead: reports the loss, and begins another. Returns the error for its holds and
   * waits.
   */
  lose(id: string, why = 'the server no longer has this session'): LeaseLostError {
    const { current } = this;
    if (id !== current.id || current.lost !== undefined) return this.lossOf(id);
    const reason = new LeaseLostError(
      `cluster: the lease is lost, ${why}; others may hold the locks now, stop using what they guard`,
    );
    clearTimeout(this.renewal);
    clearTimeout(this.end);
    current.lose(reason);
    this.become('lost', reason);
    if (!this.closed) void this.reopen();
    return reason;
  }

  /**
   * Waits until it makes sense to ask the server again. Throws `LeaseLostError` when the session is
   * lost meanwhile.
   */
  async untilReachable(id: string, reason: Error): Promise<void> {
    this.suspend(reason);
    await this.untilUp(RETRY_MS + Math.random() * RETRY_MS);
    this.checkAlive(id);
  }

  /**
   * Called after a commit whose outcome is unknown. When it resolves, the commit has been done or
   * never will be. Throws `LeaseLostError` when the session is lost.
   */
  async fence(id: string, reason: Error): Promise<void> {
    await this.untilReachable(id, reason);
    const { current } = this;
    const epoch = ++current.epoch;
    for (;;) {
      try {
        if (await this.store.fence(id, epoch)) return;
        throw this.lose(id);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await this.untilReachable(id, error);
      }
    }
  }

  /**
   * Waits for a live session; throws `StoreError` when there is none within so many milliseconds.
   */
  async ready({
    milliseconds = this.leaseMs,
    refused = "cluster: can't be used",
    signal,
  }: Readiness = {}): Promise<void> {
    const until = now() + milliseconds;
    while (!this.current.valid) {
      if (this.current.lost === undefined) this.lose(this.current.id, 'it was not renewed in time');
      if (this.closed) throw new StoreError("cluster: can't be used, it is closed; connect again");
      signal?.throwIfAborted();
      if (this.store.gone !== undefined)
        throw new StoreError(`${refused}, ${this.store.gone}; connect again`);
      if (now() >= until) throw this.outOfReach(refused);
      await this.untilUp(Math.min(RETRY_MS, Math.ceil(until - now())));
    }
  }

  /** The error of a call while the server does not answer. */
  outOfReach(refused: string): StoreError {
    const { title } = this.store;
    const trouble = this.trouble.replace(`${title} `, 'it ');
    return new StoreError(`${refused}, ${title} can't be reached, ${trouble}; try again when it is back`);
  }

  /** Resolves when the connection comes back, or after so many milliseconds. */
  untilUp(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.whenUp.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.whenUp.add(done);
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.renewal);
    clearTimeout(this.end);
    clearTimeout(this.poll);
    const { current } = this;
    const alive = current.lost === undefined;
    current.lose(new LeaseLostError('cluster: the lease has ended, the cluster was closed; connect again'));
    if (alive) await this.store.close(current.id).catch(() => undefined);
    this.bells.ringAll();
  }

  private async begin(lease: Lease): Promise<void> {
    const [sent, day] = [now(), timeOfDay()];
    await this.store.open(lease.id, this.leaseMs, {
      rung: (key, after, fresh) => {
        if (fresh !== undefined) this.events.rung(key, fresh);
        this.bells.ring(key, after);
      },
      missed: () => this.bells.ringAll(),
      up: () => {
        this.events.back();
        this.up();
      },
      down: (reason) => this.suspend(reason),
    });
    // Closed while the server was asked: nobody else would end this session.
    if (this.closed) {
      await this.store.close(lease.id).catch(() => undefined);
      return;
    }
    lease.prolong(sent, day, this.leaseMs);
    // An answer that took most of a lease leaves none to work with: the caller opens another.
    if (!lease.valid) throw new Unreachable('it answered too late');
    this.current = lease;
    this.become('connected', undefined);
    this.schedule();
    this.up();
  }

  private async reopen(): Promise<void> {
    for (let pause = RETRY_MS; !this.closed; pause = Math.min(MOST_RETRY_MS, pause * 2)) {
      try {
        await this.begin(new Lease());
        return;
      } catch (error) {
        if (this.closed) return;
        this.trouble = (error as Error).message;
        if (this.store.gone !== undefined) {
          // Those that wait for the next session learn that there is none.
          this.bells.ringAll();
          return;
        }
        await this.untilUp(pause);
      }
    }
  }

  private schedule(): void {
    clearTimeout(this.renewal);
    clearTimeout(this.end);
    const { current } = this;
    // After a slow answer less than a lease is left.
    const soon = Math.min(this.leaseMs / RENEWALS, current.remaining / 2);
    this.renewal = setTimeout(() => void this.renew(current), soon);
    this.renewal.unref();
    this.end = setTimeout(() => this.expire(current), Math.ceil(current.remaining));
    this.end.unref();
  }

  private async renew(lease: Lease): Promise<void> {
    if (lease !== this.current || lease.lost !== undefined || this.closed) return;
    const [sent, day] = [now(), timeOfDay()];
    try {
      if (await this.store.renew(lease.id, this.leaseMs)) {
        lease.prolong(sent, day, this.leaseMs);
        if (lease.lost !== undefined || this.closed) return;
        if (this.stateNow === 'suspended') this.become('connected', undefined);
        this.schedule();
        this.bells.ringAll();
      } else this.lose(lease.id);
    } catch (error) {
      if (lease.lost !== undefined || this.closed) return;
      this.suspend(error as Error);
      await this.untilUp(RETRY_MS + Math.random() * RETRY_MS);
      if (lease.lost === undefined) await this.renew(lease);
    }
  }

  private expire(lease: Lease): void {
    if (lease !== this.current || lease.lost !== undefined || this.closed) return;
    if (lease.valid) this.schedule();
    else this.lose(lease.id, 'it could not be renewed in time');
  }

  private up(): void {
    for (const act of [...this.whenUp]) act();
    this.bells.ringAll();
  }

  private suspend(reason: Error): void {
    this.trouble = reason.message;
    if (this.stateNow === 'connected') this.become('suspended', reason);
  }

  private become(state: ClusterState, reason: Error | undefined): void {
    if (state === this.stateNow) return;
    this.stateNow = state;
    this.events.state(state, reason);
  }

  private lossOf(id: string): LeaseLostError {
    const { lost, id: present } = this.current;
    if (id === present && lost !== undefined) return lost;
    return new LeaseLostError(
      'cluster: the lease is lost, its session has ended; others may hold the locks now, stop using what they guard',
    );
  }

  private pollIfNeeded(): void {
    const { poll } = this.store;
    if (poll === 0 || this.closed) return;
    this.poll = setTimeout(() => {
      this.bells.ringAll();
      this.pollIfNeeded();
    }, poll);
    this.poll.unref();
  }
}
