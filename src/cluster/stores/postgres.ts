/**
 * PostgresStore: documents and sessions as rows of a PostgreSQL database, 13 or newer.
 *
 * Each call is one statement, and so one short transaction; nothing is kept in a connection. Rings
 * go by NOTIFY, and only where a call waits, because NOTIFY takes a lock of the whole server at its
 * commit. A separate connection receives them. Behind a pooler that gives each transaction another
 * connection this is impossible: pass `listen: false`, and waiters poll every `poll` milliseconds.
 *
 * A session lives until the time in its row. A dead session stays dead, even if the server's clock
 * is set back. A renewal changes only a row that has not expired, and the first call that finds a
 * session dead deletes its row.
 */

import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { InvalidTypeError, StoreError } from '../../errors.ts';
import type { PlacesReply } from '../machines/places.ts';
import type {
  Batch,
  Commit,
  Committed,
  Served,
  Snapshot,
  Store,
  StoreListener,
  Turn,
  Turned,
} from '../store.ts';
import { Outdated, SessionGone } from '../store.ts';
import type { PgPoolLike } from './postgres-connections.ts';
import { Connections, optionsOf } from './postgres-connections.ts';
import type { PgError } from './postgres-errors.ts';
import { connectFailed, isMissing } from './postgres-errors.ts';
import type { PgClientLike } from './postgres-listener.ts';
import { channelOf, PostgresListener } from './postgres-listener.ts';
import { TURNED } from './postgres-places.ts';
import { QueueCalls } from './postgres-queue-calls.ts';
import {
  FENCE,
  FIND_REVISION,
  FIND_RUN,
  NAME_RUN,
  RENEW,
  REVISION,
  SCHEMA,
  SWEEP,
} from './postgres-schema.ts';
import { Statements } from './postgres-statements.ts';

interface Pg {
  Pool: new (options: object) => PgPoolLike;
  Client: new (options: object) => PgClientLike;
}

export interface PostgresOptions {
  /** A URL, or a pool of `pg`, which stays open at the end. */
  readonly postgres: string | PgPoolLike;
  /** `false`: no connection can listen; waiters poll every `poll` milliseconds. */
  readonly listen?: boolean | undefined;
  readonly poll?: number | undefined;
}

interface Row {
  readonly version: string;
  readonly body: string | null;
  readonly dead: string[];
  readonly now: number;
  /** Whether the session that asks lives. */
  readonly alive: boolean;
}

const READ = `SELECT s.*, EXISTS (SELECT FROM lockstep.session e
    WHERE e.id = $3 AND e.expires > clock_timestamp()) AS alive
  FROM lockstep.snapshot($1, $2) s`;
const TURN = 'SELECT lockstep.turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS reply';
const COMMIT = 'SELECT lockstep.commit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS reply';
const POLL_MS = 100;
const CONNECTIONS = 4;
/**
 * Time limit for a connection in milliseconds; for the first one it includes tables and session.
 */
const CONNECT_MS = 10_000;

export class PostgresStore implements Store {
  readonly title: string;
  readonly poll: number;
  readonly turned: ReadonlySet<string> = TURNED;
  private readonly pool: PgPoolLike;
  private readonly own: boolean;
  private readonly namespace: string;
  private readonly patience: number;
  private readonly listener: PostgresListener | undefined;
  private readonly connections: Connections;
  private readonly statements: Statements;
  private readonly queues: QueueCalls;
  private heard: StoreListener | undefined;
  private run: string | undefined;

  private constructor(pg: Pg, options: PostgresOptions, namespace: string, patience: number) {
    const { postgres, listen = true, poll = POLL_MS } = options;
    this.own = typeof postgres === 'string';
    this.title = typeof postgres === 'string' ? `PostgreSQL at ${hostOf(postgres)}` : 'PostgreSQL';
    this.pool =
      typeof postgres === 'string'
        ? new pg.Pool({ connectionString: postgres, max: CONNECTIONS, connectionTimeoutMillis: CONNECT_MS })
        : postgres;
    this.connections = new Connections(this.pool, this.own);
    this.statements = new Statements(this.title, this.connections, CONNECT_MS, listen);
    // A connection that is idle for hours must not be dropped on the way unnoticed.
    const timed = { ...optionsOf(this.pool), connectionTimeoutMillis: patience, keepAlive: true };
    this.listener = listen ? new PostgresListener(() => new pg.Client(timed), poll) : undefined;
    this.poll = listen ? 0 : poll;
    this.namespace = namespace;
    this.patience = patience;
    this.queues = new QueueCalls(namespace, (text, values) => this.query(text, values));
    // Without a listener, an idle connection that breaks would end the program.
    if (this.own) this.pool.on('error', () => {});
  }

  get gone(): string | undefined {
    return !this.own && this.pool.ended === true ? 'the program has ended the pool' : undefined;
  }

  get sendsAtOnce(): boolean {
    return this.connections.isIdle;
  }

  /** Connects, and makes the schema if it is missing. */
  static async at(options: PostgresOptions, namespace: string, patience: number): Promise<PostgresStore> {
    const { postgres } = options;
    if (
      typeof postgres !== 'string' &&
      typeof (postgres as Partial<PgPoolLike> | null)?.query !== 'function'
    ) {
      throw new InvalidTypeError(
        `connect: refused, postgres is ${inspect(postgres, { depth: 0 })}; pass a URL, or a pool of pg`,
      );
    }
    if (typeof postgres !== 'string' && 'connectionParameters' in postgres) {
      throw new InvalidTypeError(
        'connect: refused, postgres is a Client of pg, and several connections are needed; pass a URL, or a Pool of pg',
      );
    }
    if (typeof postgres === 'string' && !/^(postgres(ql)?|socket):|^\//.test(postgres)) {
      throw new InvalidTypeError(
        'connect: refused, postgres is not a URL of such a server; pass one such as postgres://localhost',
      );
    }
    const store = new PostgresStore(await findPg(), options, namespace, patience);
    try {
      await store.prepare();
      return store;
    } catch (error) {
      await store.end();
      if (error instanceof StoreError && error.cause === undefined) throw error;
      throw connectFailed(store.title, ((error as Error).cause ?? error) as PgError);
    }
  }

  async open(session: string, leaseMs: number, listener: StoreListener): Promise<void> {
    this.heard = listener;
    if (this.listener !== undefined) await this.listener.hear(session, listener);
    try {
      this.run ??= await this.nameRun();
      await this.insert(session, leaseMs);
    } catch (error) {
      if (!isMissing(error)) throw error;
      // Another program has dropped the schema since: make it again.
      await this.prepare();
      this.run = await this.nameRun();
      await this.insert(session, leaseMs);
    }
    this.statements.patience = this.patience;
    this.statements.doing = 'cluster';
  }

  private async insert(session: string, leaseMs: number): Promise<void> {
    await this.query(
      `INSERT INTO lockstep.session (id, namespace, expires) VALUES ($1, $2, clock_timestamp() + $3 * interval '1 ms')`,
      [session, this.namespace, leaseMs],
    );
  }

  async renew(session: string, leaseMs: number): Promise<boolean> {
    const [row] = (await this.query(RENEW, [session, leaseMs])) as { run: string | null }[];
    if (row === undefined) return false;
    const run = row.run ?? (await this.nameRun());
    if (run !== this.run) {
      // The server has crashed, and may have undone lazy commits.
      this.run = run;
      this.heard?.up();
    }
    return true;
  }

  async fence(session: string, epoch: number): Promise<boolean> {
    return (await this.query(FENCE, [session, epoch])).length === 1;
  }

  async close(session: string): Promise<void> {
    await this.query('DELETE FROM lockstep.session WHERE id = $1', [session]);
  }

  async read(key: string, session: string): Promise<Snapshot> {
    const rows = await this.query(READ, [this.namespace, key, session]);
    const { version, body, dead, now, alive } = rows[0] as Row;
    if (!alive) throw new SessionGone('the session is dead');
    await this.bury(dead);
    return { version: Number(version), body, dead, now };
  }

  async commit(commit: Commit): Promise<Committed> {
    const { session, epoch, key, expect, body, sessions, rings, keep, lazy } = commit;
    const channels = rings.map(({ to }) => channelOf(to.slice(0, to.indexOf('/'))));
    const hints = rings.map(({ after }) => `${after}|${key}`);
    const rows = await this.query(COMMIT, [
      session,
      epoch,
      this.namespace,
      key,
      expect,
      sessions,
      body,
      keep,
      channels,
      hints,
      // A ring may carry an offer, on which its call goes in at once (objects/early.ts).
      lazy && rings.length === 0,
    ]);
    const [{ reply }] = rows as [{ reply: string }];
    if (!reply.startsWith('1|')) return { done: false, fresh: await this.refusedWith(reply) };
    const [, version, now] = reply.split('|', 3) as [string, string, string];
    return { done: true, version: Number(version), now: Number(now) };
  }

  async turn({ session, epoch, key, kind, call, claim, wantsBody, lazy }: Turn): Promise<Turned> {
    const op = call.op === 'take' && !call.wait ? 'try' : call.op;
    const rows = await this.query(TURN, [
      op,
      session,
      epoch,
      this.namespace,
      key,
      kind,
      call.call,
      claim,
      lazy,
      wantsBody,
      (call.op === 'take' && call.since) || 0,
    ]);
    const [{ reply }] = rows as [{ reply: string }];
    if (!reply.startsWith('2|')) return { done: false, fresh: await this.refusedWith(reply) };
    const end = reply.indexOf('\n');
    const head = end < 0 ? reply : reply.slice(0, end);
    const [, version, now] = head.split('|', 3) as [string, string, string];
    return {
      done: true,
      version: Number(version),
      now: Number(now),
      reply: JSON.parse(head.slice(4 + version.length + now.length)) as PlacesReply,
      body: wantsBody ? (end < 0 ? null : reply.slice(end + 1)) : undefined,
    };
  }

  serve(batch: Batch): Promise<Served> {
    return this.queues.serve(batch);
  }

  /** The document that is there; throws if the session is dead, or its epoch over. */
  private async refusedWith(reply: string): Promise<Snapshot> {
    if (reply === '-1') throw new SessionGone('the session is dead');
    if (reply === '-2') throw new Outdated('the commit is of an earlier epoch');
    const [, version, now, gone] = reply.split('|', 4) as [string, string, string, string];
    const text = reply.slice(5 + version.length + now.length + gone.length);
    const dead = gone === '' ? [] : gone.split(',');
    await this.bury(dead);
    return { version: Number(version), body: text === '' ? null : text, dead, now: Number(now) };
  }

  async end(): Promise<void> {
    this.statements.ended = true;
    await this.listener?.end();
    this.connections.end();
    if (this.own) await this.pool.end();
  }

  private async prepare(): Promise<void> {
    const found = await this.query(FIND_REVISION, []).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    const { number } = (found[0] as { number: number | null } | undefined) ?? { number: null };
    if (number !== null && number > REVISION) {
      throw new StoreError(
        `connect: refused, the schema lockstep is of revision ${number}, made by a newer version; update lockstep to it`,
      );
    }
    if (number !== REVISION) await this.query(SCHEMA);
    try {
      await this.query(SWEEP);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.query(SCHEMA);
      await this.query(SWEEP);
    }
  }

  /** Deletes the sessions that are seen to be dead: no renewal can revive them. */
  private async bury(dead: readonly string[]): Promise<void> {
    if (dead.length === 0) return;
    await this.query('DELETE FROM lockstep.session WHERE id = ANY($1) AND expires <= clock_timestamp()', [
      dead,
    ]);
  }

  /** The name of the server's run; the first connection after a crash names it. */
  private async nameRun(): Promise<string> {
    await this.query(NAME_RUN, [randomBytes(9).toString('base64url')]);
    const [row] = (await this.query(FIND_RUN)) as { id: string }[];
    return row!.id;
  }

  private query(text: string, values?: unknown[]): Promise<unknown[]> {
    return this.statements.query(text, values);
  }
}

async function findPg(): Promise<Pg> {
  try {
    const { default: pg, ...named } = (await import('pg' as string)) as Pg & { default?: Pg };
    return pg ?? named;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new StoreError('connect: no client for PostgreSQL is installed; run `npm install pg`');
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}
