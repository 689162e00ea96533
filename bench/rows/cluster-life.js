// @ts-check
/**
 * The cluster's lock when something goes wrong, or many come at once; `cluster-…` over Redis,
 * `cluster-postgres-…` over PostgreSQL:
 *
 * - stalled: the process at the head of the queue is stopped; from the release until the one behind
 *   it is in, milliseconds
 * - killed: from the SIGKILL of the holder until the next is in, with a lease of a second
 * - joins: 64 connections of 8 processes queue at once; until all of them stand in the queue
 * - idle: requests to the server in one lease, by a process that holds 1,000 locks
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { connect } from 'lockstep/cluster';
import pg from 'pg';
import { member, startServer } from '../cluster-members.js';
import { OURS } from '../figures.js';

const LEASE_MS = 1000;
const PROCESSES = 8;
const CONNECTIONS = 64;
const HELD = 1000;
const IDLE_LEASES = 3;

/** @param {string} row */
export async function prepare(row) {
  const server = await startServer(row);
  if (server === undefined) return [{ name: OURS, missing: 'no such server here' }];
  const what = row.slice(row.lastIndexOf('-') + 1);
  const measures = /** @type {Record<string, typeof stalled>} */ ({ stalled, killed, joins, idle });
  const side = await measures[what]?.(server.url);
  if (side === undefined) throw new RangeError(`no row "${row}"`);
  const close = async () => {
    await side.close();
    await server.stop();
  };
  return [{ name: OURS, cold: true, measure: side.measure, close }];
}

/** @param {string} url @param {object} options */
function connected(url, options) {
  return connect({ ...(url.startsWith('postgres') ? { postgres: url } : { redis: url }), ...options });
}

/** @param {{ describe(): Promise<{ waiting: number }> }} lock @param {number} count */
async function untilWaiting(lock, count) {
  while ((await lock.describe()).waiting < count) await sleep(1);
}

/** @param {string} url */
async function stalled(url) {
  const cluster = await connected(url, { namespace: 'bench' });
  const lock = cluster.lock('bench');
  const [head, next] = [await member('ours', url), await member('ours', url)];
  return {
    async measure() {
      const hold = await lock.acquire();
      const first = head.ask({});
      await untilWaiting(lock, 1);
      const second = next.ask({});
      await untilWaiting(lock, 2);
      head.signal('SIGSTOP');
      const at = Number(process.hrtime.bigint());
      await hold.release();
      const got = await second;
      head.signal('SIGCONT');
      await first;
      return (got.at - at) / 1e6;
    },
    close: async () => {
      head.stop();
      next.stop();
      await cluster.close();
    },
  };
}

/** @param {string} url */
async function killed(url) {
  const cluster = await connected(url, { namespace: 'bench', lease: LEASE_MS });
  const lock = cluster.lock('bench');
  return {
    async measure() {
      const holder = await member('ours', url, { lease: LEASE_MS });
      await holder.ask({ hold: true });
      const next = lock.acquire();
      await untilWaiting(lock, 1);
      // At any time between two renewals.
      await sleep(Math.random() * (LEASE_MS / 3));
      const at = performance.now();
      holder.signal('SIGKILL');
      const hold = await next;
      const took = performance.now() - at;
      await hold.release();
      return took;
    },
    close: () => cluster.close(),
  };
}

/** @param {string} url */
async function joins(url) {
  const cluster = await connected(url, { namespace: 'bench' });
  const lock = cluster.lock('bench');
  const each = { connections: CONNECTIONS / PROCESSES };
  const members = await Promise.all(
    Array.from({ length: PROCESSES }, () => member('ours', url, {}, each.connections)),
  );
  return {
    async measure() {
      const hold = await lock.acquire();
      const at = performance.now();
      const got = members.map(({ ask }) => ask({ all: true }));
      await untilWaiting(lock, CONNECTIONS);
      const took = performance.now() - at;
      await hold.release();
      await Promise.all(got);
      return took;
    },
    close: async () => {
      for (const each of members) each.stop();
      await cluster.close();
    },
  };
}

/** @param {string} url */
async function idle(url) {
  let requests = 0;
  let questions = 0;
  const pool = url.startsWith('postgres') ? new pg.Pool({ connectionString: url }) : undefined;
  const redis = pool === undefined ? new Redis(url) : undefined;
  if (pool !== undefined) {
    const query = pool.query.bind(pool);
    /** @type {any} */ (pool).query = (/** @type {any[]} */ ...args) => {
      requests++;
      return /** @type {any} */ (query)(...args);
    };
  }
  /** Commands that the server has been asked for, without this question. */
  const countRedis = async () => {
    const stats = (await redis?.info('stats')) ?? '';
    return Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]) - ++questions;
  };
  const client = pool === undefined ? { redis: url } : { postgres: pool };
  const cluster = await connect({ ...client, namespace: 'bench', lease: LEASE_MS * IDLE_LEASES });
  for (let i = 0; i < HELD; i++) await cluster.lock(`held-${i}`).acquire();
  return {
    async measure() {
      const before = redis === undefined ? requests : await countRedis();
      await sleep(LEASE_MS * IDLE_LEASES);
      const after = redis === undefined ? requests : await countRedis();
      return after - before;
    },
    close: async () => {
      await cluster.close();
      await pool?.end();
      redis?.disconnect();
    },
  };
}
