// Children store their progress in shared memory; the parent reads and shows it at any time.

import { isMainProcess, Process, RawArray, waitAny } from 'lockstep';

export function crunch(done: RawArray<'u32'>, index: number, steps: number): void {
  for (let step = 1; step <= steps; step++) {
    const end = performance.now() + 0.5;
    while (performance.now() < end); // stands for a computation
    done.set(index, step); // one store: no message, no lock, also while the parent is busy
  }
}

if (isMainProcess) {
  const steps = 500;
  const done = new RawArray('u32', 2);
  const children = [0, 1].map((index) => new Process({ target: crunch, args: [done, index, steps] }));
  for (const child of children) child.start();
  while (children.some((child) => child.isAlive())) {
    const percent = Array.from(done, (count) => `${Math.round((100 * count) / steps)}%`);
    console.log(percent.join('  '));
    const alive = children.filter((child) => child.isAlive()).map((child) => child.sentinel);
    await waitAny(alive, { timeout: 100 }); // a picture every 100 ms, and one at each end
  }
  console.log(`done: ${done.toArray().join(' and ')} steps`);
}
