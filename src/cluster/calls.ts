/**
 * Calls: reads a document, runs its machine, and commits. On a conflict it repeats this with the
 * fresh document.
 *
 * The calls of one process on one object go one after another. Calls that arrive while a commit is
 * under way are batched: the machine takes them in their order, and one commit writes the result.
 *
 * The last document seen is kept. A step that changes it is committed against its version, and so
 * needs no read before. A step that changes nothing needs a document that was read within the call.
 *
 * A store may make a call on places by itself (`Store.turn`): one round trip, even under
 * contention. It leaves documents that it does not know to the machine. Likewise it may make the
 * calls on a queue (serving.ts).
 *
 * If the connection is lost before the reply, the outcome is unknown. Then the document is read and
 * the machine runs again: it finds the effect of the call in its state (machine.ts).
 *
 * A server that crashes may forget its last commits. If one was a release, the lock would stay
 * taken for as long as its session lives. So releases of the last seconds are made again when the
 * connection is back (`repeat`); one that the server still knows changes nothing. For that reason a
 * release need not wait for the server's disk, and neither does joining a queue: a waiter looks
 * again anyway. Such a commit is `lazy`.
 */

import { now as clock } from '#clock';
import { withResolvers } from '../with-resolvers.ts';
import { aloneIn } from './alone.ts';
import { runCalls } from './document.ts';
import { ABSENT, Lanes } from './lanes.ts';
import type { CallId, Machine } from './machines/machine.ts';
import { numberOf, sessionOf } from './machines/machine.ts';
import type { PlacesCall, TurnCall } from './machines/places.ts';
import type { Begun, Forgotten, Lane, Pending, Result } from './pending.ts';
import { ignoreEnd, isLazy, settle, takeBatch } from './pending.ts';
import { Releases } from './releases.ts';
import { Serving } from './serving.ts';
import type { Session } from './session.ts';
import type { Snapshot, Store, Turned } from './store.ts';
import { Outdated, SessionGone, Unreachable } from './store.ts';

export class Calls {
  readonly lanes: Lanes = new Lanes();
  private readonly store: Store;
  private readonly session: Session;
  /** Milliseconds for which an offer stands. */
  readonly claim: number;
  private readonly releases: Releases;
  private readonly serving: Serving;

  constructor(store: Store, session: Session, claim: number) {
    this.store = store;
    this.session = session;
    this.claim = claim;
    this.releases = new Releases(session.leaseMs);
    this.serving = new Serving(store, session, claim);
  }

  /** See `Store.sendsAtOnce`. */
  get sendsAtOnce(): boolean {
    return this.store.sendsAtOnce === true;
  }

  /** Makes the call. `id` distinguishes it from all others of the session. */
  make<State, Call, Reply>(
    key: string,
    machine: Machine<State, Call, Reply>,
    id: CallId,
    call: Call,
    forgotten?: Forgotten<Reply>,
  ): Promise<Result<Reply>> {
    const lane = this.lanes.at(key);
    // This call comes after the release of a lock that has stayed here.
    lane.giveUp?.();
    const { promise, resolve, reject } = withResolvers<Result<Reply>>();
    const [session, number] = [sessionOf(id), numberOf(id)];
    const pending: Pending = {
      machine,
      key,
      call,
      session,
      number,
      forgotten: forgotten as Forgotten<unknown> | undefined,
      resolve: resolve as (result: Result<unknown>) => void,
      reject,
    };
    if (!lane.busy && this.canTurn(pending)) this.turnAlone(lane, pending);
    else {
      lane.pending.push(pending);
      if (!lane.busy) void this.work(key, lane);
    }
    return promise;
  }

  /** The common case, kept short: a call on places while no other is under way here. */
  private turnAlone(lane: Lane, pending: Pending): void {
    const { key } = pending;
    lane.busy = true;
    try {
      this.session.checkAlive(pending.session);
    } catch (error) {
      void this.work(key, lane, { pending, error });
      return;
    }
    this.turn(lane, pending).then(
      (turned) => {
        if (!turned.done) void this.work(key, lane, { pending, left: turned.fresh });
        else if (lane.pending.length > 0) void this.work(key, lane);
        else lane.busy = false;
        if (turned.done) this.end(lane, pending, turned);
      },
      (error: unknown) => void this.work(key, lane, { pending, error }),
    );
  }

  /** The server may have forgotten the releases of the last seconds: makes them again. */
  repeat(): void {
    this.lanes.forget();
    for (const { session, key, machine, id } of this.releases.recent()) {
      const call = { op: 'leave', call: id } satisfies TurnCall;
      if (session === this.session.id) this.make(key, machine, id, call).catch(ignoreEnd);
    }
  }

  private async work(key: string, lane: Lane, begun?: Begun): Promise<void> {
    lane.busy = true;
    if (begun !== undefined) await this.finish(key, lane, [begun.pending], begun);
    while (lane.pending.length > 0) {
      const served = this.canServe(lane.pending[0]!);
      await this.finish(key, lane, takeBatch(lane, served));
    }
    lane.busy = false;
  }

  private async finish(key: string, lane: Lane, batch: readonly Pending[], begun?: Begun): Promise<void> {
    try {
      if (begun === undefined && this.canServe(batch[0]!)) await this.serving.make(key, batch);
      else await this.commit(key, lane, batch, begun);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Runs the calls until a commit holds, or nothing has to be written. */
  private async commit(
    key: string,
    lane: Lane,
    batch: readonly Pending[],
    begun: Begun | undefined,
  ): Promise<void> {
    const { session, number: seen } = batch[0]!;
    const caller = { caller: session, seen, claim: this.claim };
    let known = lane.last;
    let fresh = false;
    let turns = batch.length === 1 && this.canTurn(batch[0]!);
    let first = begun;
    for (;;) {
      if (first?.error === undefined) this.session.checkAlive(session);
      try {
        if (turns) {
          const turned = first === undefined ? await this.turn(lane, batch[0]!) : resultOf(first);
          first = undefined;
          if (turned.done) {
            this.end(lane, batch[0]!, turned);
            return;
          }
          [turns, fresh, known] = [false, true, turned.fresh];
        }
        lane.usesMachine = true;
        const outcome = runCalls(key, known, batch, caller);
        if (!outcome.changed) {
          if (fresh) {
            settle(batch, outcome, known.version);
            return;
          }
          known = await this.store.read(key, session);
        } else {
          const { body, sessions, rings, keep } = outcome;
          const expect = known.body === null ? 0 : known.version;
          const { epoch } = this.session.lease;
          const lazy = batch.every((call, index) => isLazy(call, outcome.results[index]!.reply));
          const commit = { session, epoch, key, expect, body, sessions, rings, keep, lazy };
          const done = await this.store.commit(commit);
          if (done.done) {
            const { version, now } = done;
            lane.last = { version, body, dead: [], now };
            lane.writtenAt = clock();
            for (const each of batch) this.remember(each);
            settle(batch, outcome, version);
            return;
          }
          known = done.fresh;
          turns = batch.length === 1 && this.canTurn(batch[0]!);
        }
        lane.last = known;
        fresh = true;
      } catch (error) {
        first = undefined;
        if (error instanceof SessionGone) throw this.session.lose(session);
        // Another call of this process has fenced off this commit while it was under way: it was
        // not done.
        if (error instanceof Outdated) continue;
        if (!(error instanceof Unreachable)) throw error;
        // Whether it was done is in the document, or nowhere.
        await this.session.fence(session, error);
        known = await this.readAgain(key, session);
        lane.last = known;
        fresh = true;
        turns = false;
      }
    }
  }

  private canServe({ machine }: Pending): boolean {
    return this.store.serve !== undefined && machine.counts !== undefined;
  }

  private canTurn({ machine, call }: Pending): boolean {
    const { turn, turned } = this.store;
    if (turn === undefined || machine.places === undefined) return false;
    if (turned !== undefined && !turned.has(machine.kind)) return false;
    const { op } = call as PlacesCall;
    return op === 'take' || op === 'leave' || op === 'give';
  }

  /** Has the store make the call. */
  private turn(lane: Lane, { key, session, machine, call, forgotten }: Pending): Promise<Turned> {
    lane.last = ABSENT;
    return this.store.turn!({
      session,
      epoch: this.session.lease.epoch,
      key,
      kind: machine.kind,
      of: machine.places!,
      call: call as TurnCall,
      alone: aloneIn(machine, call as TurnCall),
      claim: this.claim,
      wantsBody: lane.usesMachine,
      lazy: forgotten !== undefined,
    });
  }

  /** The store has made the call. */
  private end(lane: Lane, pending: Pending, turned: Turned & { done: true }): void {
    const { version, now, body } = turned;
    // While the machine runs here too, the document came with the reply.
    if (body !== undefined) lane.last = { version, body, dead: [], now };
    this.remember(pending);
    pending.resolve(turned);
  }

  private remember({ forgotten, key, machine, session, number }: Pending): void {
    if (forgotten === 'repeated') this.releases.note(key, machine, session, number);
  }

  private async readAgain(key: string, session: string): Promise<Snapshot> {
    for (;;) {
      try {
        return await this.store.read(key, session);
      } catch (error) {
        if (error instanceof SessionGone) throw this.session.lose(session);
        if (!(error instanceof Unreachable)) throw error;
        await this.session.untilReachable(session, error);
      }
    }
  }
}

function resultOf({ left, error }: Begun): Turned {
  if (left === undefined) throw error;
  return { done: false, fresh: left };
}
