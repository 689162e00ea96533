// Semaphore: a lock for a number of holders. Semaphore(1) lets one process in at a time,
// Semaphore(2) two.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, Semaphore, Value } from 'lockstep';
import { check } from './check.ts';

/** Goes in, stays `ms` milliseconds, and returns how many were inside with it when it came in. */
export function visit(places: Semaphore, inside: Value, ms: number): Promise<number> {
  const name = currentProcess().name.padEnd(10);
  return places.run(async () => {
    const company = inside.add(1) + 1;
    console.log(`${name} goes in for ${String(ms).padStart(4)} ms  (inside: ${company})`);
    await sleep(ms);
    console.log(`${name} goes out`);
    inside.sub(1);
    return company;
  });
}

/** One process for each stay, all started together; returns the most that were inside at once. */
async function openFor(places: Semaphore, stays: number[]): Promise<number> {
  const inside = new Value('i32', 0);
  const visitors = stays.map((ms) => new Process({ target: visit, args: [places, inside, ms] }));
  for (const visitor of visitors) visitor.start();
  return Math.max(...(await Promise.all(visitors.map((visitor) => visitor.result))));
}

if (isMainProcess) {
  const single = new Semaphore(1);
  const most = await openFor(single, Array<number>(10).fill(20));
  check(most === 1, 'ten processes through Semaphore(1): never two inside');

  const start = performance.now();
  const double = new Semaphore(2);
  const mostOfTwo = await openFor(double, [200, 400, 600, 800, 1000]);
  check(mostOfTwo === 2, 'five processes through Semaphore(2): two inside, never three');
  check(performance.now() - start >= 1500, '3000 ms of staying took two places at least 1500 ms');
  check(single.value === 1 && double.value === 2, 'all places are free again');
}
