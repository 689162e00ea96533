// Deadlock, cured: threads need A and B, and take them in different orders. Let both be one RLock.
// Its holder may take it again, and no two threads can hold one half each.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentThread, isMainProcess, RLock, Thread } from 'lockstep';
import { check } from './check.ts';

async function takeBoth(first: RLock, second: RLock, order: string): Promise<number> {
  using _first = await first.acquire();
  await sleep(10); // time enough for another thread to take the second lock, were it another one
  using _second = await second.acquire();
  console.log(`${currentThread().name.padEnd(9)} took ${order}  (held ${second.depth} times)`);
  return second.depth;
}

export async function work(a: RLock, b: RLock): Promise<number[]> {
  return [await takeBoth(a, b, 'A, then B'), await takeBoth(b, a, 'B, then A')];
}

if (isMainProcess) {
  const lock = new RLock();
  const threads = Array.from({ length: 10 }, () => new Thread({ target: work, args: [lock, lock] }));
  for (const thread of threads) thread.start();
  const depths = await Promise.all(threads.map((thread) => thread.result));

  check(depths.length === 10, 'all ten threads finished');
  check(depths.flat().join('') === '2'.repeat(20), 'each held both locks, taken in either order');
  check(!lock.locked, 'and the lock is free');
}
