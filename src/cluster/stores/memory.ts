/**
 * MemoryStore: a store within one process: for tests, and for development without a server. Any
 * number of connections share one, each with its own session, as if they were processes.
 *
 * Every call is answered in a later turn of the event loop, as a server's would be.
 */

import { now as clock, setImmediate } from '#clock';
import type { Ring } from '../machines/machine.ts';
import { sessionOf } from '../machines/machine.ts';
import type { Commit, Committed, Snapshot, Store, StoreListener } from '../store.ts';
import { Outdated, SessionGone } from '../store.ts';

interface Document {
  version: number;
  body: string;
  sessions: readonly string[];
  /** The time at which it is deleted by itself. */
  until: number;
}

interface Guest {
  until: number;
  epoch: number;
  listener: StoreListener;
}

/** The state of the "server"; one for all connections to the same `MemoryStore`. */
export class MemoryServer {
  readonly documents: Map<string, Document> = new Map();
  readonly guests: Map<string, Guest> = new Map();
  /** By key: the session whose commit met another version. See `MemoryStore.commit`. */
  readonly losers: Map<string, string> = new Map();
  /** The last version. */
  stamp = 0;

  /** Milliseconds; tests that replay replace it. */
  time: () => number = clock;

  /** A version larger than every one before. */
  nextVersion(): number {
    this.stamp = Math.max(this.stamp + 1, Math.ceil(this.time() * 1000));
    return this.stamp;
  }

  isAlive(session: string): boolean {
    const guest = this.guests.get(session);
    if (guest === undefined) return false;
    if (guest.until > this.time()) return true;
    // The session stays dead even if the clock is set back.
    this.guests.delete(session);
    return false;
  }

  /** The document, for a living session: see `Store.read`. */
  read(key: string, session: string): Snapshot {
    if (!this.isAlive(session)) throw new SessionGone('the session is dead');
    return this.snapshot(key);
  }

  snapshot(key: string): Snapshot {
    const document = this.documents.get(key);
    const now = this.time();
    if (document === undefined || document.until <= now) return { version: 0, body: null, dead: [], now };
    const dead = document.sessions.filter((session) => !this.isAlive(session));
    return { version: document.version, body: document.body, dead, now };
  }

  commit({ session, epoch, key, expect, body, sessions, rings, keep }: Commit): Committed {
    if (!this.isAlive(session)) throw new SessionGone('the session is dead');
    if (epoch < this.guests.get(session)!.epoch) throw new Outdated('the commit is of an earlier epoch');
    const fresh = this.snapshot(key);
    if (fresh.version !== expect) return { done: false, fresh };
    const { now } = fresh;
    const version = this.nextVersion();
    if (body === null) this.documents.delete(key);
    else {
      const until = keep === 0 ? Number.POSITIVE_INFINITY : now + keep;
      this.documents.set(key, { version, body, sessions, until });
    }
    this.pass(key, rings);
    return { done: true, version, now };
  }

  fence(session: string, epoch: number): boolean {
    if (!this.isAlive(session)) return false;
    const guest = this.guests.get(session)!;
    guest.epoch = Math.max(guest.epoch, epoch);
    return true;
  }

  private pass(key: string, rings: readonly Ring[]): void {
    for (const { to, after } of rings) {
      const guest = this.guests.get(sessionOf(to));
      if (guest !== undefined) guest.listener.rung(key, after, undefined);
    }
  }
}

export class MemoryStore implements Store {
  readonly title: string = 'the memory store';
  readonly poll: number = 0;
  private readonly server: MemoryServer;

  constructor(server: MemoryServer = new MemoryServer()) {
    this.server = server;
  }

  open(session: string, leaseMs: number, listener: StoreListener): Promise<void> {
    return later(() => {
      this.server.guests.set(session, { until: this.server.time() + leaseMs, epoch: 0, listener });
    });
  }

  renew(session: string, leaseMs: number): Promise<boolean> {
    return later(() => {
      const guest = this.server.isAlive(session) ? this.server.guests.get(session) : undefined;
      if (guest !== undefined) guest.until = this.server.time() + leaseMs;
      return guest !== undefined;
    });
  }

  fence(session: string, epoch: number): Promise<boolean> {
    return later(() => this.server.fence(session, epoch));
  }

  close(session: string): Promise<void> {
    return later(() => {
      this.server.guests.delete(session);
    });
  }

  read(key: string, session: string): Promise<Snapshot> {
    return later(() => this.server.read(key, session));
  }

  /**
   * The loser of a conflict goes first next time: other sessions wait for a turn. Otherwise two
   * that write in each turn would meet in the same order again and again, and one would starve.
   */
  async commit(commit: Commit): Promise<Committed> {
    const { key, session } = commit;
    const { losers } = this.server;
    if (losers.has(key) && losers.get(key) !== session) {
      await later(() => {});
      losers.delete(key);
    }
    return later(() => {
      const committed = this.server.commit(commit);
      if (!committed.done) losers.set(key, session);
      else if (losers.get(key) === session) losers.delete(key);
      return committed;
    });
  }

  async end(): Promise<void> {}
}

/** Does it in a later turn, as a server's answer comes. */
function later<Value>(act: () => Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    });
  });
}
