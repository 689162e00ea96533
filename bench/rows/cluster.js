// @ts-check
/**
 * The cluster's lock over Redis against redis-semaphore, both by ioredis, at one server:
 *
 * - cluster-pair: acquire and release of a free lock, microseconds
 * - cluster-contended: 8 processes with sections of 2 ms, sections a second
 * - cluster-longest: the longest wait there, in milliseconds
 * - cluster-handoff: from one process's release to another's waiting acquire, milliseconds
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { makeLock, startRedis } from '../cluster-locks.js';
import { OURS } from '../figures.js';

const MEMBER = fileURLToPath(new URL('../programs/cluster-member.js', import.meta.url));
const PEER = 'redis-semaphore';
const PAIRS = 300;
const HANDOFFS = 15;
const ROUND_MS = 1500;
const HOLD_MS = 20;
/** How often redis-semaphore polls. */
const POLL_MS = 10;

/** @param {string} kind @param {string} url */
async function member(kind, url) {
  const child = fork(MEMBER, [kind, url]);
  /** @type {Map<number, (reply: any) => void>} */
  const asked = new Map();
  let ids = 0;
  await new Promise((resolve) => child.once('message', resolve));
  child.on('message', (/** @type {{ id: number }} */ reply) => asked.get(reply.id)?.(reply));
  return {
    /** @param {object} what */
    ask: (what) =>
      new Promise((resolve) => {
        const id = ++ids;
        asked.set(id, resolve);
        child.send({ id, ...what });
      }),
    stop: () => child.kill(),
  };
}

/** @param {string} row */
export async function prepare(row) {
  const server = await startRedis();
  if (server === undefined) {
    return [OURS, PEER].map((name) => ({ name, missing: 'no redis-server here' }));
  }
  const { url } = server;
  const sides = [];
  for (const kind of ['ours', 'theirs']) {
    const name = kind === 'ours' ? OURS : PEER;
    const side = await (row === 'cluster-pair'
      ? pair(kind, url)
      : row === 'cluster-handoff'
        ? handOff(kind, url)
        : contended(kind, url, row));
    const last = kind === 'theirs';
    const close = async () => {
      await side.close();
      if (last) server.stop();
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
      return row === 'cluster-longest' ? longest : (sections * 1000) / ROUND_MS;
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
