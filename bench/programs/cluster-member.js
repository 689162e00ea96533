// @ts-check
/**
 * A member of the rows about the cluster: does what its parent tells it, with Lockstep's lock or
 * with that of redis-semaphore, both over ioredis.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { makeLock } from '../cluster-locks.js';

const SECTION_MS = 2;
const lock = await makeLock(process.argv[2] ?? '', process.argv[3] ?? '');

/** Sections of 2 ms for so long; how many, and the longest wait for one. @param {number} ms */
async function contend(ms) {
  const end = performance.now() + ms;
  let count = 0;
  let longest = 0;
  while (performance.now() < end) {
    const asked = performance.now();
    const release = await lock.acquire();
    longest = Math.max(longest, performance.now() - asked);
    await sleep(SECTION_MS);
    await release();
    count++;
  }
  return { count, longest };
}

/** Acquires; when it got in, on the clock that all processes share. */
async function wait() {
  const release = await lock.acquire();
  const at = Number(process.hrtime.bigint());
  await release();
  return { at };
}

process.on('message', async (/** @type {{ id: number, contend?: number }} */ { id, contend: ms }) => {
  process.send?.({ id, ...(ms === undefined ? await wait() : await contend(ms)) });
});
process.on('disconnect', () => process.exit());
process.send?.({ ready: true });
