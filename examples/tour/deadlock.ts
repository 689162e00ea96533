// Deadlock: one thread takes lock A, then B; another takes B, then A. Each holds what the other waits for, and
// both stand still. A watchdog notices by a timeout; it ends the threads, and their locks are free again.

import { Barrier, currentThread, isMainProcess, Lock, Thread, Value } from 'lockstep';
import { check } from './check.ts';

export async function takeBoth(first: Lock, second: Lock, names: string[], met: Barrier, done: Value) {
  const { name } = currentThread();
  using _first = await first.acquire();
  console.log(`${name} holds ${names[0]}`);
  await met.wait(); // now each holds one: without this line, it would happen only on a bad day
  console.log(`${name} holds ${names[0]} and wants ${names[1]}`);
  using _second = await second.acquire();
  console.log(`${name} holds both`); // never
  done.add(1);
}

if (isMainProcess) {
  const [a, b, met, done] = [new Lock(), new Lock(), new Barrier(2), new Value('i32', 0)];
  const threads = [
    new Thread({ target: takeBoth, args: [a, b, ['A', 'B'], met, done] }),
    new Thread({ target: takeBoth, args: [b, a, ['B', 'A'], met, done] }),
  ];
  for (const thread of threads) thread.start();

  const ended = await Promise.all(threads.map((thread) => thread.join(1000)));
  const owners = [a.owner?.name, b.owner?.name];
  console.log(`watchdog: no progress in 1000 ms; A is held by ${owners[0]}, B by ${owners[1]}`);
  check(ended.every((end) => !end) && done.value === 0, 'both threads stand still');
  check(owners.join() === threads.map((thread) => thread.name).join(), 'each holds what the other wants');

  for (const thread of threads) thread.terminate();
  for (const thread of threads) await thread.join();
  using holdA = await a.acquire();
  using holdB = await b.acquire();
  console.log('watchdog: both threads ended, main holds A and B');
  check(holdA.recovered && holdB.recovered, 'both locks were recovered from their dead holders');
}
