// @ts-check
/**
 * `applySync` of a function that returns its small argument, by a Pool of 2 processes: microseconds
 * a call. Its peer blocks on one thread.
 */
import { Pool } from 'lockstep';
import { createSyncFn } from 'synckit';
import { OURS } from '../figures.js';
import { same } from '../programs/pool-tasks.js';

const CALLS = 3000;

/** @param {(n: number) => unknown} call */
function microsecondsEach(call) {
  const start = performance.now();
  for (let n = 0; n < CALLS; n++) if (call(n) !== n) throw new Error(`call ${n} has given something else`);
  return ((performance.now() - start) * 1000) / CALLS;
}

export function prepare() {
  const pool = new Pool(2);
  const callSynckit = createSyncFn(new URL('../programs/synckit-tasks.js', import.meta.url));
  return [
    {
      name: OURS,
      measure: () => microsecondsEach((n) => pool.applySync(same, [n])),
      close: () => pool.terminate(),
    },
    { name: 'synckit', measure: () => microsecondsEach(callSynckit) },
  ];
}
