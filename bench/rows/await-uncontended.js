// @ts-check
/**
 * One async flow awaits a lock that nobody else wants and lets it go, the same two lines on both
 * sides: ns a pair.
 */
import { Mutex } from 'async-mutex';
import { Lock } from 'lockstep';
import { nanosecondsEachAsync } from '../clock.js';
import { OURS } from '../figures.js';

const PAIRS = 500_000;

export function prepare() {
  const lock = new Lock();
  const mutex = new Mutex();
  return [
    {
      name: OURS,
      measure: () =>
        nanosecondsEachAsync(PAIRS, async () => {
          for (let i = 0; i < PAIRS; i++) {
            await lock.acquire();
            lock.release();
          }
        }),
    },
    {
      name: 'async-mutex',
      measure: () =>
        nanosecondsEachAsync(PAIRS, async () => {
          for (let i = 0; i < PAIRS; i++) {
            await mutex.acquire();
            mutex.release();
          }
        }),
    },
  ];
}
