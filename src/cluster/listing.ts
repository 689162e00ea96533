/** Listing: the objects that a server has, read without taking part: `lockstep ls --redis URL`. */

import { clearTimeout, setTimeout } from '#clock';
import { StoreError } from '../errors.ts';
import type { Stand } from './listed.ts';
import { inQueue, standOf } from './listed.ts';
import { adviceOf } from './stores/postgres-errors.ts';
import type { QueueRow } from './stores/postgres-queue-tables.ts';
import { QUEUES_LISTED } from './stores/postgres-queue-tables.ts';
import { redisClient } from './stores/redis-client.ts';
import { reasonOf, refusalIn } from './stores/redis-errors.ts';
import type { KeptQueue } from './stores/redis-kept-queue.ts';
import { waitingIn } from './stores/redis-kept-queue.ts';

/** An object at a server. */
export interface ListedObject extends Stand {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** The parts of a document that the listing keeps. */
interface Found {
  readonly namespace: string;
  readonly name: string;
  readonly body: string;
  readonly dead: readonly string[];
  /** The number of waiting items of a queue that does not keep them in its document. */
  readonly items?: number;
  /** The state of a queue whose document is empty, at a PostgreSQL server. */
  readonly queue?: QueueRow;
}

interface PgClient {
  connect(): Promise<unknown>;
  query(text: string): Promise<{ rows: unknown[] }>;
  end(): Promise<void>;
}

const PATIENCE_MS = 5_000;
const START = 'start it, or check its URL';
const NO_CLIENT = 'no client for PostgreSQL is installed; run `npm install pg`';

/** The objects of all namespaces, in order of their names. Throws `StoreError`. */
export async function listObjects(server: { redis: string } | { postgres: string }): Promise<ListedObject[]> {
  const inRedis = 'redis' in server;
  const closers: (() => Promise<void>)[] = [];
  let timer: NodeJS.Timeout | undefined;
  let fail: (reason: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
    timer = setTimeout(() => reject(new Error(`it has not answered for ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    const reading = inRedis ? inRedisAt(server.redis, closers, fail) : inPostgresAt(server.postgres, closers);
    // After a failure nobody awaits this reading, so its rejection must not count as unhandled.
    reading.catch(() => undefined);
    const found = await Promise.race([reading, failed]);
    return found.flatMap(listed).sort((a, b) => order(a.namespace, b.namespace) || order(a.name, b.name));
  } catch (error) {
    const which = inRedis ? 'Redis' : 'PostgreSQL';
    const cause = error as Error;
    const refusal = inRedis ? refusalIn(cause, which, 'ls') : undefined;
    const advice = inRedis ? START : adviceOf(cause, START);
    throw refusal ?? new StoreError(`ls: ${which} can't be read, ${reasonOf(cause)}; ${advice}`, { cause });
  } finally {
    clearTimeout(timer);
    failed.catch(() => undefined);
    await Promise.all(closers.map((close) => close().catch(() => undefined)));
  }
}

async function inRedisAt(
  url: string,
  closers: (() => Promise<void>)[],
  fail: (reason: Error) => void,
): Promise<Found[]> {
  const client = await redisClient(url);
  closers.push(() => client.end());
  client.watch(() => {}, fail);
  const found: Found[] = [];
  let cursor = '0';
  do {
    const page = await client.command(['SCAN', cursor, 'MATCH', '{*}:o:*', 'COUNT', '1000']);
    const [next, keys] = page as [unknown, unknown[]];
    cursor = String(next);
    for (const key of keys.map(String)) {
      const [, namespace, name] = /^\{(.*?)\}:o:(.*)$/s.exec(key) ?? [];
      const text = await client.command(['GET', key]);
      const [, sessions = '', body = ''] = /^\d+\|([^|]*)\|(.*)$/s.exec(String(text ?? '')) ?? [];
      if (namespace === undefined || name === undefined || body === '') continue;
      const dead: string[] = [];
      for (const session of sessions.split(',').filter((each) => each !== ''))
        if (Number(await client.command(['EXISTS', `{${namespace}}:s:${session}`])) === 0) dead.push(session);
      const object = { namespace, name, body, dead };
      const { kind, state } = JSON.parse(body) as { kind: string; state: { state: KeptQueue } };
      if (kind !== 'Queue' && kind !== 'JoinableQueue') found.push(object);
      else {
        const entries = Number(await client.command(['XLEN', `{${namespace}}:q:${name}`]));
        found.push({ ...object, items: waitingIn(state.state, entries) });
      }
    }
  } while (cursor !== '0');
  return found;
}

async function inPostgresAt(url: string, closers: (() => Promise<void>)[]): Promise<Found[]> {
  const pg = (await import('pg' as string).catch(() => {
    throw new Error(NO_CLIENT);
  })) as { default: { Client: new (url: string) => PgClient } };
  const client = new pg.default.Client(url);
  closers.push(() => client.end());
  await client.connect();
  const { rows } = await client.query(
    `SELECT o.namespace, o.name, s.body, s.dead
       FROM lockstep.object o, lockstep.snapshot(o.namespace, o.name) s WHERE s.body IS NOT NULL`,
  );
  const found = rows as Found[];
  // Older versions have no tables of queues, and no such documents.
  if (!found.some(isInRows)) return found;
  const { rows: queues } = await client.query(QUEUES_LISTED);
  const states = new Map((queues as QueueRow[]).map((row) => [row.queue, row]));
  return found.map((object) => {
    const queue = states.get(`${object.namespace}/${object.name}`);
    return queue === undefined || !isInRows(object) ? object : { ...object, queue, dead: queue.dead };
  });
}

function isInRows({ body }: Found): boolean {
  return body.includes('Queue","state":{"state":null,');
}

/** Nothing where the document only keeps replies, and goes by itself. */
function listed({ namespace, name, body, dead, items, queue }: Found): ListedObject[] {
  const { kind, state } = JSON.parse(body) as { kind: string; state: { state: unknown } };
  if (queue !== undefined) {
    const { waiting } = queue;
    return [{ namespace, kind, name, dead, state: inQueue(queue.items, queue.received), waiting }];
  }
  return state.state === null ? [] : [{ namespace, kind, name, ...standOf(kind, state.state, dead, items) }];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
