// Queue: three processes put numbers into one queue, four take them out and square them. Any
// consumer may get a number, but each number is taken exactly once. When the queue is closed, all
// consumers end.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, Queue } from 'lockstep';
import { check } from './check.ts';

const [PRODUCERS, CONSUMERS, EACH] = [3, 4, 200];

interface Job {
  from: string;
  number: number;
}

export async function produce(jobs: Queue<Job>, first: number) {
  const from = currentProcess().name;
  for (let number = first; number < first + EACH; number++) await jobs.put({ from, number });
  console.log(`${from}: put ${first} to ${first + EACH - 1}`);
}

export async function consume(jobs: Queue<Job>, squares: Queue<number>) {
  const { name } = currentProcess();
  const latest = new Map<string, number>();
  let taken = 0;
  let inOrder = true;
  for await (const { from, number } of jobs) {
    inOrder &&= (latest.get(from) ?? -1) < number;
    latest.set(from, number);
    taken++;
    await sleep(2); // work: meanwhile another consumer takes the next one
    await squares.put(number * number);
  }
  console.log(`${name}: took ${taken}`);
  return { taken, inOrder };
}

if (isMainProcess) {
  const jobs = new Queue<Job>({ maxSize: 50 }); // a producer that is ahead of the consumers waits
  const squares = new Queue<number>();
  const producers = Array.from(
    { length: PRODUCERS },
    (_, n) => new Process({ name: `producer ${n + 1}`, target: produce, args: [jobs, n * EACH] }),
  );
  const consumers = Array.from(
    { length: CONSUMERS },
    (_, n) => new Process({ name: `consumer ${n + 1}`, target: consume, args: [jobs, squares] }),
  );
  for (const child of [...producers, ...consumers]) child.start();
  await Promise.all(producers.map((child) => child.result));
  jobs.close(); // what is in it is still taken, then the consumers' loops end
  const seen = await Promise.all(consumers.map((child) => child.result));
  squares.close();

  const roots = [...squares].map(Math.sqrt).sort((a, b) => a - b);
  const total = seen.reduce((sum, { taken }) => sum + taken, 0);
  check(total === PRODUCERS * EACH, `${total} numbers were taken`);
  check(roots.length === total && roots.every((root, n) => root === n), 'each number was taken exactly once');
  check(
    seen.every(({ inOrder }) => inOrder),
    "every consumer saw each producer's numbers in the order in which they were put",
  );
}
