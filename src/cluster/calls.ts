/**
 * Calls: reads a document, runs its machine, and commits; on a conflict again with the fresh
 * document.
 *
 * The calls of one process on one object go one after another. Those that come while a commit is
 * under way are run together by the next one: the machine takes them in their order, and one commit
 * writes the result.
 *
 * The last document seen is kept. A step that changes it is committed against its version, and so
 * needs no read before. A step that changes nothing has to rest on a document read within the call.
 *
 * If the connection is lost before the reply, the outcome is unknown. Then the document is read and
 * the machine runs again: it finds in its state what the call has done (machine.ts).
 *
 * A server that crashes may have forgotten what it did last: a release, and the lock would stay
 * taken for as long as its session lives. So releases of the last seconds are made again when the
 * connection is back (`repeat`); one that the server still knows changes nothing. For that reason
 * a release need not wait for the server's disk, and neither does joining a queue: who waits looks
 * again anyway. Such a commit is `lazy`.
 */

import { now as clock } from '#clock';
import { LeaseLostError, NameTakenError, StoreError } from '../errors.ts';
import type { Made, Outcome } from './document.ts';
import { runCalls } from './document.ts';
import type { CallId, Machine } from './machines/machine.ts';
import { numberOf, sessionOf } from './machines/machine.ts';
import type { Session } from './session.ts';
import type { Snapshot, Store } from './store.ts';
import { Outdated, SessionGone, Unreachable } from './store.ts';

const ABSENT: Snapshot = { version: 0, body: null, dead: [], now: 0 };
/** How long a release is kept to be made again, besides a lease; how many are, at the most. */
const RELEASE_MS = 10_000;
const MOST_RELEASES = 4096;
/** Objects whose last document is kept while nothing is going on. */
const MOST_KEPT = 4096;

/** The result of a call: its reply, and the version of the write that it made. */
export interface Result<Reply> {
  readonly reply: Reply;
  readonly version: number;
}

/** What becomes of a call whose commit the server forgets. */
export type Forgotten<Reply> =
  /** It is made again when the connection is back. */
  | 'repeated'
  /** With this reply its caller makes it again. */
  | ((reply: Reply) => boolean);

interface Pending extends Made {
  readonly key: string;
  readonly id: CallId;
  readonly forgotten: Forgotten<unknown> | undefined;
  readonly session: string;
  readonly number: number;
  resolve(result: Result<unknown>): void;
  reject(reason: unknown): void;
}

interface Lane {
  pending: Pending[];
  busy: boolean;
  last: Snapshot;
  /** When `last` was written by this process. */
  writtenAt: number;
}

export class Calls {
  private readonly lanes = new Map<string, Lane>();
  private readonly store: Store;
  private readonly session: Session;
  private readonly claim: number;
  /** The releases of the last seconds, by call, in their order. */
  private readonly releases = new Map<CallId, { readonly pending: Pending; readonly at: number }>();

  constructor(store: Store, session: Session, claim: number) {
    this.store = store;
    this.session = session;
    this.claim = claim;
  }

  /** Makes the call. `id` tells it from all others of the session. */
  make<State, Call, Reply>(
    key: string,
    machine: Machine<State, Call, Reply>,
    id: CallId,
    call: Call,
    forgotten?: Forgotten<Reply>,
  ): Promise<Result<Reply>> {
    let lane = this.lanes.get(key);
    if (lane === undefined) {
      lane = { pending: [], busy: false, last: ABSENT, writtenAt: 0 };
      this.keep(key, lane);
    }
    const { promise, resolve, reject } = withResolvers<Result<Reply>>();
    const [session, number] = [sessionOf(id), numberOf(id)];
    const made = { machine, key, id, call, session, number, reject };
    lane.pending.push({ ...made, forgotten: forgotten as never, resolve: resolve as never });
    if (!lane.busy) void this.work(key, lane);
    return promise;
  }

  /** The object's body as this process wrote it within the last `milliseconds`, or `null`. */
  justWritten(key: string, milliseconds: number): string | null {
    const lane = this.lanes.get(key);
    if (lane === undefined || clock() - lane.writtenAt > milliseconds) return null;
    return lane.last.body;
  }

  /** A document that came with a ring: newer than what is known. */
  learn(key: string, fresh: Snapshot): void {
    const lane = this.lanes.get(key);
    if (lane !== undefined && !lane.busy && fresh.version > lane.last.version) lane.last = fresh;
  }

  /** The server may have forgotten the releases of the last seconds: makes them again. */
  repeat(): void {
    const again = [...this.releases.values()];
    this.releases.clear();
    for (const { pending, at } of again) {
      const { session, key, machine, id, call } = pending;
      if (session !== this.session.id || at < clock() - this.keptMs) continue;
      this.make(key, machine, id, call).catch(ignoreEnd);
    }
  }

  /** A crash may be noticed only at the next renewal of the lease. */
  private get keptMs(): number {
    return RELEASE_MS + this.session.leaseMs;
  }

  private remember(batch: readonly Pending[]): void {
    const at = clock();
    for (const pending of batch)
      if (pending.forgotten === 'repeated') this.releases.set(pending.id, { pending, at });
    for (const [id, { at: then }] of this.releases) {
      if (this.releases.size <= MOST_RELEASES && then >= at - this.keptMs) break;
      this.releases.delete(id);
    }
  }

  private async work(key: string, lane: Lane): Promise<void> {
    lane.busy = true;
    while (lane.pending.length > 0) {
      // A commit is made by one session: calls of a lost one are refused by themselves.
      const [first] = lane.pending as [Pending];
      const batch = lane.pending.filter((each) => isLike(each, first));
      lane.pending = lane.pending.filter((each) => !isLike(each, first));
      try {
        await this.commit(key, lane, batch);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    lane.busy = false;
  }

  /** Runs the calls until a commit holds, or nothing has to be written. */
  private async commit(key: string, lane: Lane, batch: readonly Pending[]): Promise<void> {
    const { session, number: seen } = batch[0]!;
    const caller = { caller: session, seen, claim: this.claim };
    let known = lane.last;
    let fresh = false;
    for (;;) {
      this.session.checkAlive(session);
      try {
        const outcome = runCalls(key, known, batch, caller);
        if (!outcome.changed) {
          if (fresh) {
            settle(batch, outcome, known.version);
            return;
          }
          known = await this.store.read(key);
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
            this.remember(batch);
            settle(batch, outcome, version);
            return;
          }
          known = done.fresh;
        }
        lane.last = known;
        fresh = true;
      } catch (error) {
        if (error instanceof SessionGone) throw this.session.lose(session);
        // Another call of this process has fenced off what is under way: this was not done.
        if (error instanceof Outdated) continue;
        if (!(error instanceof Unreachable)) throw error;
        // Whether it was done is in the document, or nowhere.
        await this.session.fence(session, error);
        known = await this.readAgain(key, session);
        lane.last = known;
        fresh = true;
      }
    }
  }

  private async readAgain(key: string, session: string): Promise<Snapshot> {
    for (;;) {
      try {
        return await this.store.read(key);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        await this.session.untilReachable(session, error);
      }
    }
  }

  private keep(key: string, lane: Lane): void {
    if (this.lanes.size >= MOST_KEPT) {
      for (const [other, { busy }] of this.lanes) {
        if (busy) continue;
        this.lanes.delete(other);
        break;
      }
    }
    this.lanes.set(key, lane);
  }
}

/** Whether one commit can be of both: by the same session, and on the same kind of object. */
function isLike(one: Pending, other: Pending): boolean {
  return one.session === other.session && one.machine.kind === other.machine.kind;
}

function isLazy({ forgotten }: Pending, reply: unknown): boolean {
  return typeof forgotten === 'function' ? forgotten(reply) : forgotten === 'repeated';
}

/** What it would have released has ended meanwhile, with its session or with its object. */
function ignoreEnd(error: unknown): void {
  const gone = [LeaseLostError, NameTakenError, StoreError];
  if (!gone.some((kind) => error instanceof kind)) throw error;
}

function settle(batch: readonly Pending[], { results }: Outcome, version: number): void {
  batch.forEach(({ resolve }, index) => {
    const result = results[index]!;
    resolve({ reply: result.reply, version: result.version ?? version });
  });
}

function withResolvers<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (reason: unknown) => void;
} {
  let resolve!: (value: Value) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
