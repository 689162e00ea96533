/** Has a pool with busy workers, and stays, or ends without a word to it. */

import { isMainProcess, Pool } from 'lockstep';
import { later, square } from '../support/pool-targets.ts';

if (isMainProcess) {
  const pool = new Pool({ processes: 2 });
  await pool.apply(square, [3]);
  if (process.argv[2] === 'stay') void pool.apply(later, [1, 100_000]).catch(() => {});
  console.log('ready');
}
