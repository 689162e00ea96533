/**
 * Makes shared objects as root, becomes another user, and goes on: `drops <step>`. Prints the
 * outcome.
 */

import { isMainProcess, Lock, Process, SharedArray, Thread } from 'lockstep';

const USER = 65_534;
const [, , step = ''] = process.argv;

export function takes(lock: Lock): void {
  lock.acquireSync();
}

export function adds(array: SharedArray<'i32'>): void {
  array.set(0, 5);
}

if (isMainProcess) {
  const lock = new Lock();
  const array = new SharedArray('i32', 4);
  const named = new Lock({ name: 'named', namespace: step });
  process.setgid?.(USER);
  process.setuid?.(USER);
  const steps: Record<string, () => unknown> = {
    ends: () => {},
    closes: () => {
      for (const object of [lock, array, named]) object.close();
    },
    awaits: async () => {
      await lock.acquire();
      await lock.acquire({ timeout: 50, deadlock: 'ignore' });
    },
    blocks: () => {
      lock.acquireSync();
      if (lock.acquireSync({ timeout: 50, deadlock: 'ignore' }) !== null) throw new Error('taken twice');
    },
    starts: () => new Process({ target: takes, args: [lock] }).start(),
    'starts-thread': () => new Thread({ target: takes, args: [lock] }).start(),
    makes: () => {
      using fresh = new SharedArray('i32', 4);
      fresh.set(0, 1);
    },
    'starts-after': async () => {
      const fresh = new SharedArray('i32', 4);
      const child = new Process({ target: adds, args: [fresh] });
      child.start();
      await child.result;
      await child.join();
      if (fresh.at(0) !== 5) throw new Error('not added');
    },
  };
  try {
    await steps[step]?.();
    console.log(JSON.stringify({ done: step }));
  } catch (error) {
    const { code, message } = error as Error & { code?: unknown };
    console.log(JSON.stringify({ code, message }));
  }
}
