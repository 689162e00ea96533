// Connection limit: twenty threads need a connection to a server that allows five. Each thread
// waits until one is free.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentThread, isMainProcess, Semaphore, Thread, Value } from 'lockstep';
import { check } from './check.ts';

const LIMIT = 5;

/** Uses one connection for a while and returns how many were open meanwhile. */
export async function query(connections: Semaphore, open: Value): Promise<number> {
  const { name } = currentThread();
  await using _connection = await connections.acquire();
  const now = open.add(1) + 1;
  console.log(`${name.padEnd(9)} connected     ${'●'.repeat(now)}${'○'.repeat(Math.max(0, LIMIT - now))}`);
  await sleep(150);
  const left = open.sub(1) - 1;
  console.log(`${name.padEnd(9)} disconnected  ${'●'.repeat(left)}${'○'.repeat(Math.max(0, LIMIT - left))}`);
  return now;
}

if (isMainProcess) {
  const connections = new Semaphore(LIMIT);
  const open = new Value('i32', 0);
  const start = performance.now();
  const threads = Array.from({ length: 20 }, () => new Thread({ target: query, args: [connections, open] }));
  for (const thread of threads) thread.start();
  const counts = await Promise.all(threads.map((thread) => thread.result));

  check(counts.length === 20 && open.value === 0, 'twenty threads connected and disconnected');
  check(Math.max(...counts) === LIMIT, 'five connections at once, never a sixth');
  check(performance.now() - start >= 600, 'twenty times 150 ms over five connections took at least 600 ms');
}
