import { isMainProcess, Pool } from 'lockstep';

// Each worker of the pool runs this function: its module exports it.
export function countPrimes(from: number): number {
  let primes = 0;
  for (let n = from; n < from + 20_000; n++) {
    let divisor = 2;
    while (divisor * divisor <= n && n % divisor !== 0) divisor += 1;
    if (n > 1 && divisor * divisor > n) primes += 1;
  }
  return primes;
}

if (isMainProcess) {
  const pool = new Pool(); // One process for each core.
  const starts = Array.from({ length: 100 }, (_, n) => n * 20_000);
  const counts = await pool.map(countPrimes, starts, { progress: true });
  console.log(`primes below 2,000,000: ${counts.reduce((sum, count) => sum + count)}`);
  await pool.close();
}
