// Deadlock: one thread takes lock A, then B; another takes B, then A. Each would wait forever for
// the other's lock. The call that completes this cycle throws an error that names both threads and
// locks. Its thread releases its lock, so that the other can go on. Then it takes the locks in the
// other order.

import { Barrier, currentThread, DeadlockError, isMainProcess, Lock, Thread } from 'lockstep';
import { check } from './check.ts';

export function takeBoth(first: Lock, second: Lock, met: Barrier): number {
  const { name } = currentThread();
  let order = [first, second] as const;
  for (let attempt = 1; ; attempt++) {
    const [outer, inner] = order;
    using _outer = outer.acquireSync();
    console.log(`${name} holds ${outer.name}`);
    // Now each holds one: without this line, it would happen only on a bad day.
    if (attempt === 1) met.waitSync();
    try {
      using _inner = inner.acquireSync();
      console.log(`${name} holds both`);
      return attempt;
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      console.log(`${name} gets a DeadlockError: ${error.message}`);
      order = [inner, outer];
    }
  }
}

if (isMainProcess) {
  const [a, b] = [new Lock({ name: 'A', namespace: 'tour' }), new Lock({ name: 'B', namespace: 'tour' })];
  const met = new Barrier(2);
  const threads = [
    new Thread({ target: takeBoth, args: [a, b, met] }),
    new Thread({ target: takeBoth, args: [b, a, met] }),
  ];
  for (const thread of threads) thread.start();

  const attempts = await Promise.all(threads.map((thread) => thread.result));
  check(
    attempts.sort().join() === '1,2',
    'one got a DeadlockError, and had both locks at its second attempt',
  );
  check(!a.locked && !b.locked, 'both locks are free');
}
