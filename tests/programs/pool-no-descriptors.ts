/**
 * Uses up all descriptors that it may have, and then calls its pools, which had no call to await so
 * far. Gives the descriptors back, and calls them again. Prints what came of it as JSON, and
 * ends without a descriptor. To be run with few descriptors.
 */

import { closeSync, openSync } from 'node:fs';
import { isMainProcess, Pool, ThreadPool } from 'lockstep';

export function double(n: number): number {
  return 2 * n;
}

function takeAll(): { taken: number[]; code: string } {
  const taken: number[] = [];
  for (;;) {
    try {
      taken.push(openSync('/dev/null', 'r'));
    } catch (error) {
      return { taken, code: String((error as NodeJS.ErrnoException).code) };
    }
  }
}

if (isMainProcess) {
  const unhandled: string[] = [];
  process.on('unhandledRejection', (error) => unhandled.push(String(error)));
  const here = new Pool({ processes: 0 });
  const others = [new Pool({ processes: 1, warm: 0 }), new ThreadPool(1)];
  const pools = [here, ...others];
  // Start the workers, without a call that awaits.
  for (const pool of others) pool.applySync(double, [1]);
  const { taken, code } = takeAll();
  const results: unknown[] = [];
  const call = async (): Promise<void> => {
    for (const pool of pools) {
      results.push(await pool.apply(double, [2]), await pool.map(double, [3, 4]));
    }
  };
  await call();
  for (const descriptor of taken) closeSync(descriptor);
  await call();
  console.log(JSON.stringify({ code, results, unhandled }));
  // The pools end with the program.
  takeAll();
}
