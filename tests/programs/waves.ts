/** Waves of threads that await one lock. Prints how many turns there were. */

import { setTimeout as pause } from 'node:timers/promises';
import { isMainProcess, Lock, Thread, Value } from 'lockstep';

const WAVES = 4;
const THREADS = 10;
const TURNS = 3;

export async function takesTurns(lock: Lock, turns: Value): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) {
    const hold = await lock.acquire();
    turns.value += 1;
    await pause(1);
    hold.release();
  }
}

if (isMainProcess) {
  const lock = new Lock();
  const turns = new Value('i32', 0, { lock: false });
  for (let wave = 0; wave < WAVES; wave++) {
    const threads = Array.from(
      { length: THREADS },
      () => new Thread({ target: takesTurns, args: [lock, turns] }),
    );
    for (const thread of threads) thread.start();
    for (const thread of threads) await thread.join();
    for (const thread of threads) await thread.result;
  }
  console.log(turns.value === WAVES * THREADS * TURNS ? 'all turns' : `${turns.value} turns`);
}
