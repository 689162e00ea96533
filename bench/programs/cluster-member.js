// @ts-check
/**
 * A member of the rows about the cluster: does what its parent tells it, with Lockstep's lock or
 * with that of redis-semaphore. It has one connection, or several.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'lockstep/cluster';
import { makeLock } from '../cluster-locks.js';

const SECTION_MS = 2;
const [kind = '', url = '', options = '{}', connections = '1'] = process.argv.slice(2);
const locks = await Promise.all(
  Array.from({ length: Number(connections) }, () => makeLock(kind, url, JSON.parse(options))),
);
const lock = /** @type {Awaited<ReturnType<typeof makeLock>>} */ (locks[0]);

/** Sections of 2 ms for so long; how many, and the longest wait for one. @param {number} ms */
async function contend(ms) {
  const end = performance.now() + ms;
  let count = 0;
  let longest = 0;
  let waited = 0;
  while (performance.now() < end) {
    const asked = performance.now();
    const release = await lock.acquire();
    longest = Math.max(longest, performance.now() - asked);
    waited += performance.now() - asked;
    await sleep(SECTION_MS);
    await release();
    count++;
  }
  return { count, longest, waited };
}

/** Acquires; when it got in, on the clock that all processes share. */
async function wait() {
  const release = await lock.acquire();
  const at = Number(process.hrtime.bigint());
  await release();
  return { at };
}

/** Acquires by every connection, and releases at once. */
async function waitByAll() {
  await Promise.all(locks.map(async ({ acquire }) => (await acquire())()));
  return {};
}

/** Acquires, and keeps it. */
async function hold() {
  await lock.acquire();
  return {};
}

/** @type {Promise<import('lockstep/cluster').Cluster> | undefined} */
let connected;

/** A queue of this member. @param {string} name */
async function queueOf(name) {
  const server = url.startsWith('postgres') ? { postgres: url } : { redis: url };
  connected ??= connect({ ...server, namespace: 'bench' });
  return (await connected).queue(name);
}

/** Puts so many texts into a queue, or takes as many. @param {Flow} flow */
async function flow({ name, puts, count, length }) {
  const queue = await queueOf(name);
  const text = 'x'.repeat(length);
  for (let i = 0; i < count; i++) await (puts ? queue.put(text) : queue.get());
  return {};
}

/**
 * Puts the time into a queue, on the clock that all processes share, or waits for it: the
 * milliseconds on the way.
 *
 * @param {Stamp} stamp
 */
async function stamp({ name, puts }) {
  const queue = await queueOf(name);
  if (!puts) {
    const at = Number(await queue.get());
    return { after: (Number(process.hrtime.bigint()) - at) / 1e6 };
  }
  await queue.put(Number(process.hrtime.bigint()));
  return {};
}

/** @typedef {{ name: string, puts: boolean, count: number, length: number }} Flow */
/** @typedef {{ name: string, puts: boolean }} Stamp */
/** @typedef {{ contend?: number, all?: boolean, hold?: boolean }} Locks */
/** @typedef {Locks & { flow?: Flow, stamp?: Stamp }} Task */

/** @param {Task} task */
function perform({ contend: ms, all, hold: keeps, flow: items, stamp: one }) {
  if (one) return stamp(one);
  if (items) return flow(items);
  if (all) return waitByAll();
  if (keeps) return hold();
  return ms === undefined ? wait() : contend(ms);
}

process.on('message', async (/** @type {Task & { id: number }} */ { id, ...task }) => {
  process.send?.({ id, ...(await perform(task)) });
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
