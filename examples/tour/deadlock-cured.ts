// Deadlock, cured: where the same thread needs A and B in any order, let both be one RLock. Whoever has it may
// take it again, and nobody can hold the one half while another holds the other.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentThread, isMainProcess, RLock, Thread, Value } from 'lockstep';
import { check } from './check.ts';

async function takeBoth(first: RLock, second: RLock, order: string, turns: Value): Promise<void> {
  using _first = await first.acquire();
  await sleep(10); // time enough for another thread to take the second lock, were it another one
  using _second = await second.acquire();
  console.log(`${currentThread().name.padEnd(9)} took ${order}  (held ${second.depth} times)`);
  turns.add(1);
}

export async function work(a: RLock, b: RLock, turns: Value): Promise<void> {
  await takeBoth(a, b, 'A, then B', turns);
  await takeBoth(b, a, 'B, then A', turns);
}

if (isMainProcess) {
  const lock = new RLock();
  const turns = new Value('i32', 0);
  const threads = Array.from({ length: 10 }, () => new Thread({ target: work, args: [lock, lock, turns] }));
  for (const thread of threads) thread.start();
  const ended = await Promise.all(threads.map((thread) => thread.join(20_000)));

  check(ended.every(Boolean), 'all ten threads finished');
  check(turns.value === 20, 'each took both locks, in both orders');
  check(!lock.locked, 'and the lock is free');
}
