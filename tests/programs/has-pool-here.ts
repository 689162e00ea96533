/** Has a pool with `processes: 0` of functions in its own main module. */

import { Pool, workerState } from 'lockstep';

export function square(n: number): number {
  return n * n;
}

export function five(): number {
  return 5;
}

export function addState(n: number): number {
  return n + workerState(five);
}

const pool = new Pool({ processes: 0, initializer: five });
const results = [
  await pool.apply(square, [3]),
  await pool.apply(addState, [5]),
  pool.applySync(square, [7]),
  await pool.map(square, [2, 3]),
  await pool.apply(five),
];
console.log(results.join(' '));
await pool.close();
