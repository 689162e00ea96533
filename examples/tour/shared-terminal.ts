// Shared terminal: three processes print at the same time, so their lines interleave.
// That is harmless until lines belong together; `mutex.ts` shows the cure.

import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, Value } from 'lockstep';
import { check } from './check.ts';

export async function work(lines: Value): Promise<{ running: number; done: number }> {
  const { name } = currentProcess();
  console.log(`${name} is running`);
  const running = lines.add(1);
  await sleep(600);
  console.log(`${name} is done`);
  const done = lines.add(1);
  return { running, done };
}

if (isMainProcess) {
  const lines = new Value('i32', 0); // how many lines were printed: the next line's number
  const workers = [1, 2, 3].map(() => new Process({ target: work, args: [lines] }));
  for (const worker of workers) worker.start();
  const printed = await Promise.all(workers.map((worker) => worker.result));

  check(lines.value === 6, 'three processes printed two lines each');
  check(
    printed.some(({ running, done }) => done > running + 1),
    'lines of one process came between the lines of another',
  );
}
