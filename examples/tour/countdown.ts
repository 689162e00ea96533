// Countdown: each of a hundred threads subtracts one from a shared number. "Read, think, write" is
// three steps. Under a lock no other thread comes in between, and the result is exact. Without it,
// two threads may read the same number, and one subtraction is lost.

import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Lock, Process, Thread, Value } from 'lockstep';
import { check } from './check.ts';

export async function takeOne(number: Value, lock: Lock | null): Promise<void> {
  using _hold = await lock?.acquire();
  const read = number.value;
  await sleep(10);
  number.value = read - 1;
}

export async function addOne(counter: Value): Promise<void> {
  await counter.run(async () => {
    const read = counter.value; // inside the lock that every Value has of its own
    await sleep(10);
    counter.value = read + 1;
  });
}

/** Starts `count` threads, ten at a time, each of which takes one from `number`. */
async function takeFrom(number: Value, count: number, lock: Lock | null): Promise<void> {
  for (let started = 0; started < count; started += 10) {
    const threads = Array.from({ length: 10 }, () => new Thread({ target: takeOne, args: [number, lock] }));
    for (const thread of threads) thread.start();
    await Promise.all(threads.map((thread) => thread.result));
    process.stdout.write(`${started + 10} `); // starting a thread takes a while
  }
  console.log(`of ${count} threads are done`);
}

if (isMainProcess) {
  const number = new Value('i32', 100);
  await takeFrom(number, 100, new Lock());
  console.log(`100 threads, with a lock:     Result: ${number.value}`);

  const unlocked = new Value('i32', 30);
  await takeFrom(unlocked, 30, null);
  console.log(`30 threads, without a lock:   Result: ${unlocked.value}  (${unlocked.value} updates lost)`);

  const counter = new Value('i32', 0);
  const adders = Array.from({ length: 10 }, () => new Process({ target: addOne, args: [counter] }));
  for (const adder of adders) adder.start();
  await Promise.all(adders.map((adder) => adder.result));
  console.log(`10 processes, each adds one:  Result: ${counter.value}`);

  check(number.value === 0, 'with the lock every one of the hundred counted');
  check(unlocked.value > 0, 'without it updates were lost');
  check(counter.value === 10, 'ten processes added up to ten');
}
