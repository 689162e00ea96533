import assert from 'node:assert/strict';
import { isMainProcess, Pool } from 'lockstep';

export function countPrimes(from: number, to: number): number {
  let count = 0;
  for (let n = from; n < to; n++) if (isPrime(n)) count += 1;
  return count;
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return n > 1;
}

if (isMainProcess) {
  const pool = new Pool({ processes: 2 });
  const parts = await Promise.all([
    pool.apply(countPrimes, [0, 5000]),
    pool.apply(countPrimes, [5000, 10_000]),
  ]);
  assert.deepEqual(parts, [669, 560]);
  void pool.close();
  await pool.join();
}
