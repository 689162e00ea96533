// Pool, crash: a worker is killed in the middle of a map, as the kernel does when memory runs out.
// Only the call that it ran fails; the error shows the function and the arguments. A new worker
// runs the other calls. With `retries`, the failed call runs again, too.

import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Pool, range, WorkerDiedError } from 'lockstep';
import { check } from './check.ts';

/** Does some work. The worker that gets the unlucky item is killed. */
export async function work(item: number, unlucky: number): Promise<number> {
  if (item === unlucky) process.kill(process.pid, 'SIGKILL');
  await sleep(5);
  return item * item;
}

export async function fatal(item: number): Promise<number> {
  return await work(item, 13);
}

/** As `fatal`, but half of the time no worker is killed. */
export async function maybe(item: number): Promise<number> {
  return await work(item, Math.random() < 0.5 ? 13 : -1);
}

if (isMainProcess) {
  await using pool = new Pool({ processes: 2 });
  const outcomes = await pool.map(fatal, range(40), { settled: true });
  const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
  console.log(`40 items: ${outcomes.length - lost.length} done, ${lost.length} lost with its worker`);
  const reason: unknown = lost[0]?.reason;
  if (reason instanceof WorkerDiedError) console.log(`  ${reason.message}`);
  check(lost.length === 1 && reason instanceof WorkerDiedError, 'exactly the item that ran is lost');

  const all = await pool.map(maybe, range(40), { retries: 20 });
  check(
    all.every((square, item) => square === item * item),
    'with retries every item has its result, whichever worker was killed',
  );
  while (pool.size < 2) await sleep(1); // the last one killed may not be replaced yet
  check(pool.size === 2, 'the pool has two workers again');
}
