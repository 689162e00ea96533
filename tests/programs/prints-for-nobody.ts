/** Has a pool whose workers print, and reports on standard error how it went. */

import { isMainProcess, Pool, range } from 'lockstep';

/** Prints more than the buffer of a pipe holds. */
export function printLine(n: number): number {
  console.log(String(n).padEnd(2000, '.'));
  console.error('');
  return n;
}

if (isMainProcess) {
  const pool = new Pool(2);
  const results = await pool.map(printLine, range(100), { chunkSize: 5, settled: true });
  const done = results.filter(({ status }) => status === 'fulfilled').length;
  const { restarts } = pool.stats;
  await pool.close();
  process.exitCode = done === 100 && restarts === 0 ? 0 : 3;
}
