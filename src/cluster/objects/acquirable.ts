/**
 * Acquirable: the common part of Lock, RLock, the semaphores and the sides of RWLock: acquire and
 * release.
 */

import { inspect } from 'node:util';
import type { AsyncAcquirable, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { InvalidTypeError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { PlacesView } from '../machines/places.ts';
import type { Standing } from './cluster-hold.ts';
import { ClusterHold } from './cluster-hold.ts';
import { look, perform } from './core.ts';
import { Early } from './early.ts';
import type { Places } from './places.ts';
import { differs, ignoreLoss } from './places.ts';
import { Taking } from './taking.ts';

export abstract class ClusterAcquirable implements AsyncAcquirable {
  /** @internal */
  readonly places: Places;
  private readonly taking: Taking;

  protected constructor(places: Places) {
    this.places = places;
    this.taking = new Taking(places);
  }

  get name(): string {
    return this.places.name;
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.places.title}>`;
  }

  /**
   * Takes it. With a timeout, resolves to `null` when that has passed, or rejects with `StoreError`
   * if the server can't be reached then; `timeout: 0` tries once. Waiters are served in the order
   * in which they came, over all processes. A connection that takes a lock again at once may go
   * first, for at most three sections and about 10 ms in a row.
   *
   * *Cancels* by `signal`: rejects with its reason. *If the holder's process dies*, the next waiter
   * gets it when that process's lease is over, with `hold.recovered`. While the server can't be
   * reached the call continues to wait. If its session is lost, the call queues again at the tail.
   */
  acquire(options?: UntimedWaitOptions): Promise<ClusterHold>;
  acquire(options: WaitOptions): Promise<ClusterHold | null>;
  acquire(options?: WaitOptions): Promise<ClusterHold | null> {
    let deadline: Deadline;
    try {
      deadline = Deadline.begin(options);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.take(deadline);
  }

  /** Takes it if it is free now; `null` otherwise. */
  tryAcquire(): Promise<ClusterHold | null> {
    return this.acquire({ timeout: 0 });
  }

  /**
   * Runs `fn` while it holds the object, and releases it when `fn` has returned or thrown. Resolves
   * to `null` at the timeout, without running `fn`. Rejects with `LeaseLostError` if the lease was
   * lost while `fn` ran, unless `fn` itself failed.
   */
  run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options?: UntimedWaitOptions,
  ): Promise<Result>;
  run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options: WaitOptions,
  ): Promise<Result | null>;
  async run<Result>(
    fn: (hold: ClusterHold) => Result | Promise<Result>,
    options?: WaitOptions,
  ): Promise<Result | null> {
    if (typeof fn !== 'function') {
      throw new InvalidTypeError(
        `${this.places.title}: refused, ${inspect(fn)} is not a function; pass one that does the work`,
      );
    }
    return this.within(async () => {
      const hold = await this.acquire(options ?? {});
      if (hold === null) return null;
      let result: Result;
      try {
        result = await fn(hold);
      } catch (error) {
        // The function's own error is more useful than the loss of the lease.
        await hold.release().catch(ignoreLoss);
        throw error;
      }
      await hold.release();
      return result;
    });
  }

  /** @internal Where `fn` of `run` runs: RLock gives it a scope of its own. */
  protected within<Result>(act: () => Promise<Result>): Promise<Result> {
    return act();
  }

  /** @internal */
  protected async view(): Promise<PlacesView> {
    const { core, key, machine } = this.places;
    const reply = await look(core, key, machine, { op: 'look' });
    if (reply.is === 'view') return reply.view;
    throw differs(this.places, reply);
  }

  /** @internal The latest hold of this connection that is not released. */
  protected get latest(): ClusterHold | undefined {
    return this.places.core.holds.get(this.places.key)?.at(-1);
  }

  /** @internal Takes it until the deadline. */
  protected async take(deadline: Deadline): Promise<ClusterHold | null> {
    const { core, key } = this.places;
    const standing = core.stays.take(key) ?? (await this.taking.take(deadline));
    return standing === null ? null : this.held(standing);
  }

  private held(standing: Standing): ClusterHold {
    const { core, key, leased } = this.places;
    const hold = new ClusterHold(standing, leased, (released) => this.giveBack(released));
    // A plain permit has no owner: it stays taken when this connection ends.
    if (!leased) return hold;
    const all = core.holds.get(key) ?? [];
    core.holds.set(key, all);
    all.push(hold);
    return hold;
  }

  /** @internal Gives a hold back at the server. */
  protected async giveBack(hold: ClusterHold): Promise<void> {
    const { core, key, machine, leased, each } = this.places;
    const all = core.holds.get(key);
    const at = all?.indexOf(hold) ?? -1;
    if (at >= 0) all!.splice(at, 1);
    if (all?.length === 0) core.holds.delete(key);
    if (hold.loss !== undefined) throw hold.loss;
    if (leased) {
      const { standing } = hold;
      if (core.stays.keep(key, machine, standing)) return;
      await core.calls.make(key, machine, hold.call, { op: 'leave', call: hold.call }, 'repeated');
      // The claim was sent before this release, and may have come too late.
      if (hold.loss !== undefined && standing.lease instanceof Early) throw hold.loss;
      if (standing.stay !== undefined) core.stays.left(key);
    } else {
      const most = Number.MAX_SAFE_INTEGER;
      await perform(core, key, machine, (call) => ({ op: 'give' as const, call, places: each, most }));
    }
  }
}

showAsText(ClusterAcquirable);
