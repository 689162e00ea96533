// Recursive lock: the holder of an RLock may take it again, so a function that locks can call
// another function that locks. The lock is free for others when it was released as often as it was
// taken.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, RLock, Value } from 'lockstep';
import { check } from './check.ts';

interface Visit {
  depths: number[];
  lines: number[];
}

export async function outer(lock: RLock, lines: Value): Promise<Visit> {
  return lock.run(async () => {
    console.log(`${currentProcess().name} holds the lock`);
    const visit = { depths: [lock.depth], lines: [lines.add(1)] };
    await sleep(20); // time enough for another to come between, were the lock free
    await inner(lock, lines, visit);
    visit.depths.push(lock.depth);
    return visit;
  });
}

async function inner(lock: RLock, lines: Value, visit: Visit): Promise<void> {
  using _hold = await lock.acquire(); // with a plain Lock this would wait for itself, forever
  console.log(`${currentProcess().name} holds it twice`);
  visit.depths.push(lock.depth);
  visit.lines.push(lines.add(1));
}

if (isMainProcess) {
  const lock = new RLock();
  const lines = new Value('i32', 0);
  const workers = Array.from({ length: 10 }, () => new Process({ target: outer, args: [lock, lines] }));
  for (const worker of workers) worker.start();
  const visits = await Promise.all(workers.map((worker) => worker.result));

  check(lines.value === 20, 'ten processes took the lock twice');
  check(
    visits.every(({ lines: [first, second] }) => second === first! + 1),
    'each on its own turn: nobody came between',
  );
  check(
    visits.every(({ depths }) => depths.join() === '1,2,1'),
    'held once, twice, once again',
  );
  check(!lock.locked, 'and free at the end');
}
