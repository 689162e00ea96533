/**
 * Submits tasks that fail, in all ways in which a program may look at one, or not. Prints which of
 * their errors were unhandled rejections, as JSON.
 */

import { asCompleted, isMainProcess, Pool, ThreadPool } from 'lockstep';

export function fail(how: string): void {
  throw new Error(how);
}

export async function never(): Promise<void> {
  await new Promise(() => {});
}

async function failInAllWays(pool: Pool | ThreadPool): Promise<void> {
  const awaited = pool.submit(fail, ['awaited']);
  await awaited.catch(() => {});
  await Promise.allSettled([pool.submit(fail, ['settled'])]);
  const completed = asCompleted([pool.submit(fail, ['completed'])]);
  await completed.next().catch(() => {});
  const group = pool.group();
  void group.submit(fail, ['group']);
  await group.done().catch(() => {});
  // The program itself has ended these.
  for (const how of ['cancel', 'kill'] as const) {
    const task = pool.submit(never);
    task[how]();
    await task.ended;
  }
  // No code looks at these.
  const forgotten = pool.submit(fail, ['forgotten']);
  await forgotten.ended;
  const refused = pool.submit(fail, [Symbol('refused') as never]);
  await refused.ended;
}

if (isMainProcess) {
  const unhandled: string[] = [];
  process.on('unhandledRejection', (error) => unhandled.push((error as Error).message));
  const pools = [
    new Pool({ processes: 1, warm: 0, grace: 0 }),
    new ThreadPool({ processes: 1, grace: 0 }),
    new Pool({ processes: 0, grace: 0 }),
  ];
  const seen: Record<string, string[]> = {};
  for (const [number, pool] of pools.entries()) {
    await failInAllWays(pool);
    await new Promise((resolve) => setImmediate(resolve));
    seen[`${number}`] = unhandled.splice(0);
    await pool.terminate();
  }
  console.log(JSON.stringify(seen));
}
