// @ts-check
/**
 * The cluster's lock against redis-semaphore. `cluster-…`: over Redis, both by ioredis, at one
 * server. `cluster-postgres-…`: over PostgreSQL.
 *
 * - pair: acquire and release of a free lock, microseconds
 * - contended: 8 processes with sections of 2 ms, sections a second
 * - longest: the longest wait there, in milliseconds
 * - fairness: the longest wait there, as a multiple of the mean wait
 * - handoff: from one process's release to another's waiting acquire, milliseconds
 */
import { makeLock, startRedis } from '../cluster-locks.js';
import { member, startServer } from '../cluster-members.js';
import { OURS } from '../figures.js';

const PEER = 'redis-semaphore';
const PAIRS = 300;
const HANDOFFS = 15;
const ROUND_MS = 1500;
const HOLD_MS = 20;
/** How often redis-semaphore polls. */
const POLL_MS = 10;

/** @param {string} row */
export async function prepare(row) {
  const server = await startServer(row);
  const redis = row.startsWith('cluster-postgres-') ? await startRedis() : server;
  if (server === undefined || redis === undefined) {
    await server?.stop();
    return [OURS, PEER].map((name) => ({ name, missing: 'no such server here' }));
  }
  const sides = [];
  for (const kind of ['ours', 'theirs']) {
    const name = kind === 'ours' ? OURS : PEER;
    const { url } = kind === 'ours' ? server : redis;
    const side = await (row.endsWith('-pair')
      ? pair(kind, url)
      : row.endsWith('-handoff')
        ? handOff(kind, url)
        : contended(kind, url, row));
    const last = kind === 'theirs';
    const close = async () => {
      await side.close();
      if (!last) return;
      await server.stop();
      await redis.stop();
    };
    sides.push({ name, ...side, close });
  }
  return sides;
}

/** @param {string} kind @param {string} url */
async function pair(kind, url) {
  const lock = await makeLock(kind, url);
  return {
    async measure() {
      const start = performance.now();
      for (let i = 0; i < PAIRS; i++) await (await lock.acquire())();
      return ((performance.now() - start) * 1000) / PAIRS;
    },
    close: lock.close,
  };
}

/** @param {string} kind @param {string} url @param {string} row */
async function contended(kind, url, row) {
  const members = await Promise.all(Array.from({ length: 8 }, () => member(kind, url)));
  return {
    cold: true,
    async measure() {
      const seen = await Promise.all(members.map(({ ask }) => ask({ contend: ROUND_MS })));
      const sections = seen.reduce((sum, { count }) => sum + count, 0);
      const longest = Math.max(...seen.map(({ longest }) => longest));
      const mean = seen.reduce((sum, { waited }) => sum + waited, 0) / sections;
      if (row.endsWith('-fairness')) return longest / mean;
      return row.endsWith('-longest') ? longest : (sections * 1000) / ROUND_MS;
    },
    close: () => {
      for (const each of members) each.stop();
    },
  };
}

/** @param {string} kind @param {string} url */
async function handOff(kind, url) {
  const lock = await makeLock(kind, url);
  const other = await member(kind, url);
  return {
    cold: true,
    async measure() {
      const samples = [];
      for (let i = 0; i < HANDOFFS; i++) {
        const release = await lock.acquire();
        const got = other.ask({});
        // Not in step with a peer that polls.
        await new Promise((resolve) => setTimeout(resolve, HOLD_MS + Math.random() * POLL_MS));
        const at = Number(process.hrtime.bigint());
        await release();
        samples.push(((await got).at - at) / 1e6);
      }
      return samples.sort((a, b) => a - b)[HANDOFFS >> 1] ?? 0;
    },
    close: async () => {
      other.stop();
      await lock.close();
    },
  };
}
