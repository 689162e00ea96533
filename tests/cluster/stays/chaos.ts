/**
 * Chaos: real connections over a server in this process, between which requests and replies are
 * late or lost, rings late or missing, and sessions cut off, as a seed decides.
 *
 * Everything but the network is the library's own: locks, stays, calls, sessions. The server makes
 * calls on places by itself and rings with the document, as a Redis server does. So waiters go in
 * when their offer arrives (objects/early.ts), and locks stay (objects/stays.ts).
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Calls } from '../../../src/cluster/calls.ts';
import { Cluster } from '../../../src/cluster/cluster.ts';
import { runCalls } from '../../../src/cluster/document.ts';
import { lockOf } from '../../../src/cluster/machines/kinds.ts';
import { numberOf } from '../../../src/cluster/machines/machine.ts';
import type { Stays } from '../../../src/cluster/objects/stays.ts';
import type {
  Commit,
  Committed,
  Snapshot,
  Store,
  StoreListener,
  Turn,
  Turned,
} from '../../../src/cluster/store.ts';
import { Unreachable } from '../../../src/cluster/store.ts';
import { MemoryServer } from '../../../src/cluster/stores/memory.ts';
import type { Random } from '../../soak/random.ts';

const LEASE_MS = 500;
const CLAIM_MS = 20;
/** Less than the part of a claim time that early holds leave for clocks (objects/early.ts). */
const STEP_MS = 2;
/** Longer than an offer stands. */
const LATE_MS = 30;

/** Opens a connection over a store. */
const openOver = Cluster as unknown as {
  over(store: Store, options: { lease: number; claim: number }): Promise<Cluster>;
};

/** What a case reaches into. */
interface Internals {
  core: { stays: Stays; calls: Calls };
}

export class Network {
  readonly server = new MemoryServer();
  private readonly random: Random;
  private readonly away = new Set<string>();
  faults = true;

  /** `still`: the server's clock moves on in steps, so that many versions are one apart. */
  constructor(random: Random, still: boolean) {
    this.random = random;
    if (still) this.server.time = () => Math.floor(performance.now() / STEP_MS) * STEP_MS;
  }

  /** A connection, with stays of its own or a mutant's. */
  async join(staysOf?: (calls: Calls) => Stays): Promise<Cluster> {
    const cluster = await openOver.over(new ChaosStore(this), { lease: LEASE_MS, claim: CLAIM_MS });
    const { core } = cluster as unknown as Internals;
    if (staysOf !== undefined) core.stays = staysOf(core.calls);
    return cluster;
  }

  /** Nothing of a session arrives any more: its lease ends, first for its program. */
  cutOff(): void {
    this.away.add(this.random.pick([...this.server.guests.keys()]));
  }

  /** The answer to a request, unless that or the reply is lost. */
  async ask<Answer>(session: string, act: () => Answer): Promise<Answer> {
    await this.way();
    if (this.away.has(session) || this.happens(1)) throw new Unreachable('the request was lost');
    const answer = act();
    await this.way();
    if (this.happens(2)) throw new Unreachable('the reply was lost');
    return answer;
  }

  /** Rings with the document as it is now. */
  ring(listener: StoreListener, key: string, after: number): void {
    const fresh = after === 0 ? this.server.snapshot(key) : undefined;
    if (!this.happens(3)) void this.way().then(() => listener.rung(key, after, fresh));
  }

  private async way(): Promise<void> {
    if (this.happens(2)) await sleep(this.random.below(LATE_MS));
    else await new Promise((resolve) => setImmediate(resolve));
  }

  private happens(percent: number): boolean {
    return this.faults && this.random.percent(percent);
  }
}

class ChaosStore implements Store {
  readonly title = 'the server of the test';
  readonly poll = 0;
  readonly sendsAtOnce = true;
  private readonly network: Network;

  constructor(network: Network) {
    this.network = network;
  }

  open(session: string, leaseMs: number, listener: StoreListener): Promise<void> {
    const { network } = this;
    const { server } = network;
    const heard = { ...listener, rung: (key: string, after: number) => network.ring(listener, key, after) };
    return network.ask(session, () => {
      server.guests.set(session, { until: server.time() + leaseMs, epoch: 0, listener: heard });
    });
  }

  renew(session: string, leaseMs: number): Promise<boolean> {
    const { server } = this.network;
    return this.network.ask(session, () => {
      const guest = server.isAlive(session) ? server.guests.get(session) : undefined;
      if (guest !== undefined) guest.until = server.time() + leaseMs;
      return guest !== undefined;
    });
  }

  close(session: string): Promise<void> {
    return this.network.ask(session, () => void this.network.server.guests.delete(session));
  }

  fence(session: string, epoch: number): Promise<boolean> {
    return this.network.ask(session, () => this.network.server.fence(session, epoch));
  }

  read(key: string, session: string): Promise<Snapshot> {
    return this.network.ask(session, () => this.network.server.read(key, session));
  }

  commit(commit: Commit): Promise<Committed> {
    return this.network.ask(commit.session, () => this.network.server.commit(commit));
  }

  /** As the script does: the machine, and a commit that nothing comes between. */
  turn({ session, epoch, key, kind, call, claim, wantsBody }: Turn): Promise<Turned> {
    const { server } = this.network;
    return this.network.ask(session, (): Turned => {
      const known = server.read(key, session);
      const seen = numberOf(call.call);
      const made = runCalls(key, known, [{ machine: lockOf(kind), call }], { caller: session, seen, claim });
      const { reply } = made.results[0] as { reply: (Turned & { done: true })['reply'] };
      const { body, sessions, rings, keep } = made;
      let { version } = known;
      const expect = known.body === null ? 0 : version;
      const commit = { session, epoch, key, expect, body, sessions, rings, keep, lazy: false };
      if (made.changed) version = (server.commit(commit) as Committed & { done: true }).version;
      return { done: true, version, now: server.time(), reply, body: wantsBody ? body : undefined };
    });
  }

  async end(): Promise<void> {}
}
