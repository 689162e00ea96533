import assert from 'node:assert/strict';
import { isMainProcess, Pool, range } from 'lockstep';

export function square(n: number): number {
  return n * n;
}

if (isMainProcess) {
  const pool = new Pool({ processes: 2 });
  assert.deepEqual(await pool.map(square, range(5)), [0, 1, 4, 9, 16]);
  assert.deepEqual(await pool.map(square, range(8, 10)), [64, 81]);
  await pool.close();
}
