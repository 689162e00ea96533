// Mutex: three processes print lines while they hold a Lock. One prints and the others wait, so the
// lines of each process stay together. `lock.run` holds the lock while a function runs; `using`
// holds it to the end of the block.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Lock, Process, Value } from 'lockstep';
import { check } from './check.ts';

/** Prints a line and returns its number among all lines of all processes. */
function print(text: string, lines: Value): number {
  console.log(text);
  return lines.add(1);
}

export function work(lock: Lock, lines: Value): Promise<number[]> {
  const { name } = currentProcess();
  return lock.run(async () => {
    const running = print(`${name} is running`, lines);
    await sleep(150);
    return [running, print(`${name} is done`, lines)];
  });
}

export async function count(name: string, lock: Lock, lines: Value): Promise<number[]> {
  using _hold = await lock.acquire();
  const numbers: number[] = [];
  for (const n of [1, 2, 3]) {
    numbers.push(print(`${name} ${n}`, lines));
    await sleep(50);
  }
  return numbers;
}

if (isMainProcess) {
  const lock = new Lock();
  const lines = new Value('i32', 0);
  const together = (numbers: number[]) => numbers.every((n, i) => n === numbers[0]! + i);

  const workers = [1, 2, 3].map(() => new Process({ target: work, args: [lock, lines] }));
  for (const worker of workers) worker.start();
  const pairs = await Promise.all(workers.map((worker) => worker.result));
  check(pairs.every(together), 'each process was done before the next was running');

  const counters = ['p0', 'p1', 'p2'].map(
    (name) => new Process({ target: count, args: [name, lock, lines] }),
  );
  for (const counter of counters) counter.start();
  const triples = await Promise.all(counters.map((counter) => counter.result));
  check(triples.every(together), 'the three lines of each process stayed together');
  check(lines.value === 6 + 9, 'fifteen lines in all');
}
