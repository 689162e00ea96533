/** Has a pool whose tasks print much, and closes it at once. */

import { isMainProcess, Pool } from 'lockstep';

const TASKS = 40;

/** Prints 40 kB. */
export function print(n: number): number {
  console.log(String(n).padEnd(40_000, '.'));
  return n;
}

if (isMainProcess) {
  const pool = new Pool({ processes: 2, maxTasksPerChild: TASKS / 4 });
  await pool.map(
    print,
    Array.from({ length: TASKS }, (_, n) => n),
  );
  console.error('closing');
  await pool.close();
}
