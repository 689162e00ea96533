/** Has pools of both kinds, whose task fills the heap, and prints what the calls reject with. */

import { isMainProcess, Pool, ThreadPool, WorkerDiedError } from 'lockstep';
import { fillHeap, square } from '../support/pool-targets.ts';

if (isMainProcess) {
  for (const pool of [new Pool(1), new ThreadPool(1)]) {
    const error = await pool.apply(fillHeap).catch((reason: unknown) => reason);
    if (!(error instanceof WorkerDiedError)) throw error;
    const { outOfMemory, task, message } = error;
    const { causes } = pool.stats;
    const next = await pool.apply(square, [3]);
    console.log(JSON.stringify({ outOfMemory, task, message, causes, next }));
    await pool.close();
  }
}
