import assert from 'node:assert/strict';
import { Barrier, isMainProcess, Thread } from 'lockstep';

export function party(barrier: Barrier): number {
  for (let round = 0; round < 2; round++) barrier.waitSync(); // nobody goes on before both are here
  return barrier.waitSync();
}

if (isMainProcess) {
  const barrier = new Barrier(2);
  const threads = [1, 2].map(() => new Thread({ target: party, args: [barrier] }));
  for (const thread of threads) thread.start();
  const places = await Promise.all(threads.map((thread) => thread.result));
  assert.deepEqual(places.sort(), [0, 1]);
}
