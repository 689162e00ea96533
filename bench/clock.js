// @ts-check
/** Times a synchronous or asynchronous piece of work that does something `times` times. */

/** @param {number} times @param {() => void} work */
export function nanosecondsEach(times, work) {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / times;
}

/**
 * Nanoseconds of a pair: to take a lock that is free, and to give it back.
 * @param {{ acquireSync(): unknown, release(): void }} lock
 * @param {number} pairs
 */
export function pairsOf(lock, pairs) {
  return nanosecondsEach(pairs, () => {
    for (let i = 0; i < pairs; i++) {
      lock.acquireSync();
      lock.release();
    }
  });
}

/** @param {number} times @param {() => Promise<void>} work */
export async function nanosecondsEachAsync(times, work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / times;
}

/** Milliseconds on a clock that all processes of the machine share (Linux: CLOCK_MONOTONIC). */
export const monotonicMs = () => Number(process.hrtime.bigint()) / 1e6;
