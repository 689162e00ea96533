/**
 * Acquirable: the common part of Lock, RLock, the semaphores and the sides of RWLock: acquire and
 * release.
 */

import { inspect } from 'node:util';
import { setTimeout } from '#clock';
import type { AsyncAcquirable, UntimedWaitOptions } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { InvalidTypeError, LeaseLostError, NameTakenError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { Bell } from '../bells.ts';
import type { PlacesMachine } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import type { PlacesCall, PlacesReply, PlacesView } from '../machines/places.ts';
import type { Result } from '../pending.ts';
import type { Lease } from '../session.ts';
import type { Standing } from './cluster-hold.ts';
import { ClusterHold } from './cluster-hold.ts';
import type { Core } from './core.ts';
import { perform, within } from './core.ts';
import { Early, Moment, remainderOf } from './early.ts';
import { Stay } from './stay.ts';

/** The longest time that a call which gives up waits for the server's answer. */
const LEAVING_MS = 500;
/** The approximate time that a claim takes to arrive. */
const GIVING_WAY_MS = 2;
/**
 * How much later a process queues again for a lock that it has just passed on. Its call would
 * compete with the next holder for the processors, and others wait before it anyway.
 */
const LETTING_IN_MS = 1;

/** The parts of an acquirable object. */
export interface Places {
  readonly core: Core;
  readonly name: string;
  readonly key: string;
  readonly machine: PlacesMachine;
  /** How many places one acquisition takes. */
  readonly each: number;
  /** Whether holders are noted at the server, and lose their places with the lease. */
  readonly leased: boolean;
  readonly title: string;
}

export abstract class ClusterAcquirable implements AsyncAcquirable {
  /** @internal */
  readonly places: Places;

  protected constructor(places: Places) {
    this.places = places;
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
    const { reply } = await perform(core, key, machine, () => ({ op: 'look' }));
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
    const stayed = core.stays.take(key);
    if (stayed !== undefined) return this.held(stayed);
    let pause = core.stays.hasJustLeft(key) ? LETTING_IN_MS : 0;
    for (let waited = false; ; waited = true) {
      if (!core.session.lease.valid) await this.untilReady(deadline, waited);
      if (this.hasJustOffered()) pause = GIVING_WAY_MS;
      if (pause > 0 && !deadline.expired) await sleep(pause);
      pause = 0;
      try {
        return await this.takeAs(core.session.nextCall(), deadline);
      } catch (error) {
        // The call waited under a lease that is lost. It held nothing, so start again.
        if (!(error instanceof LeaseLostError)) throw error;
        deadline.throwIfAborted();
        if (deadline.expired) return this.late(deadline);
      }
    }
  }

  /**
   * Waits for a live session. A call that has waited for its turn waits until its deadline, others
   * for a lease at most. Each waits for `LEAVING_MS` at least: a new session takes a moment.
   */
  private async untilReady(deadline: Deadline, waited: boolean): Promise<void> {
    const { core } = this.places;
    const remaining = Math.max(LEAVING_MS, deadline.remaining);
    const ready = core.session.ready(waited ? remaining : Math.min(core.session.leaseMs, remaining));
    await within(ready, deadline, core);
    deadline.throwIfAborted();
    await ready;
  }

  /** The deadline is over: `null`, or an error if nobody knows whether others held it. */
  private late(deadline: Deadline): null {
    deadline.throwIfAborted();
    const { session } = this.places.core;
    if (session.state === 'connected') return null;
    throw session.outOfReach(`${this.places.title}: not acquired in time`);
  }

  /**
   * Whether this process has just made another process an offer. Then it joins the queue a moment
   * later: its write would conflict with that claim, which delays all waiters.
   */
  private hasJustOffered(): boolean {
    const { core, key } = this.places;
    const written = core.calls.lanes.justWritten(key, GIVING_WAY_MS);
    return written?.includes('"offers":[[') === true;
  }

  private async takeAs(id: CallId, deadline: Deadline): Promise<ClusterHold | null> {
    const { core, key, machine, each: places } = this.places;
    const wait = !deadline.expired;
    const { lease } = core.session;
    const { heard } = core.bells;
    let bell: Bell | undefined;
    const take = { op: 'take', call: id, places, wait } as const;
    try {
      for (;;) {
        const asked = new Moment();
        const made = core.calls.make(key, machine, id, take, isWaiting);
        const result = wait && !deadline.unlimited ? await within(made, deadline, core) : await made;
        if (result === undefined) {
          await this.takeLeave(made.then((late) => this.undo(id, late)));
          return this.late(deadline);
        }
        const { reply, version } = result;
        if (reply.is === 'busy') return null;
        if (reply.is === 'held') {
          const token = reply.token === 0 ? version : reply.token;
          return this.held({ call: id, token, recovered: reply.recovered, lease });
        }
        if (reply.is !== 'waiting') throw differs(this.places, reply);
        bell ??= core.bells.hangAfter(key, heard);
        if (await bell.next(deadline, reply.look)) {
          const early = this.enterEarly(take, lease, asked, result.now);
          if (early !== undefined) return early;
          continue;
        }
        await this.takeLeave(this.undo(id, result));
        return this.late(deadline);
      }
    } finally {
      bell?.unhang();
    }
  }

  /** Goes in on an offer that certainly stands, and claims it meanwhile: see early.ts. */
  private enterEarly(
    take: PlacesCall & { op: 'take' },
    lease: Lease,
    asked: Moment,
    replied: number | undefined,
  ): ClusterHold | undefined {
    const { core, key, machine } = this.places;
    const { call } = take;
    const offer = replied === undefined ? undefined : core.calls.lanes.offerTo(key, call);
    if (offer === undefined) return undefined;
    const stands = remainderOf(offer.until, replied!, asked, core.calls.claim);
    if (stands <= 0 || !lease.valid) return undefined;
    const since = offer.version;
    const early = new Early(lease, stands);
    const stay = offer.crowded ? new Stay() : undefined;
    core.calls.make(key, machine, call, { ...take, since }, isWaiting).then(
      (result) => {
        const { reply } = result;
        if (reply.is === 'held' && reply.token === since) {
          early.confirm();
          if (stay !== undefined) stay.claimed = result.version;
          return;
        }
        early.end('its offer had run out before the claim arrived');
        // A loss of the lease ends the call anyway.
        return this.undo(call, result).catch(ignoreLoss);
      },
      (error: unknown) => early.end('it could not be claimed', error),
    );
    return this.held({ call, token: since, recovered: false, lease: early, stay });
  }

  /** Waits until the call has left the queue; only briefly if the server is silent. */
  private async takeLeave(undone: Promise<void>): Promise<void> {
    const left = undone.catch(ignoreLoss);
    await within(left, Deadline.from({ timeout: LEAVING_MS }), this.places.core);
  }

  /** Ends a call whose caller has given up. */
  private async undo(id: CallId, { reply }: Result<PlacesReply>): Promise<void> {
    const { core, key, machine, each, leased } = this.places;
    if (reply.is === 'busy') return;
    const most = Number.MAX_SAFE_INTEGER;
    if (reply.is === 'held' && !leased) {
      const again = core.session.nextCall();
      await core.calls.make(key, machine, again, { op: 'give', call: again, places: each, most });
    } else await core.calls.make(key, machine, id, { op: 'leave', call: id }, 'repeated');
  }

  private held(standing: Standing): ClusterHold {
    const { core, key, leased } = this.places;
    const hold = new ClusterHold(standing, leased, (released) => this.giveBack(released));
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

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whether the call has to wait. Such a call is made again at every look. */
function isWaiting({ is }: PlacesReply): boolean {
  return is === 'waiting';
}

/** The error of a call to an object that was made with another number. */
export function differs({ title }: Places, reply: PlacesReply): Error {
  if (reply.is !== 'differs') throw new Error(`${title}: unexpected reply ${inspect(reply)}`);
  return new NameTakenError(
    `${title}: refused, the one of that name has ${reply.of} permits in all; make it with the same number`,
  );
}

/**
 * Ignores the loss of a hold that was about to be given back, because its places are free anyway.
 */
export function ignoreLoss(error: unknown): void {
  if (!(error instanceof LeaseLostError)) throw error;
}

showAsText(ClusterAcquirable);
