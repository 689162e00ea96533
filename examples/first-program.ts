import { isMainProcess, Lock, Process, Value } from 'lockstep';

// Each child runs this function: its module exports it.
export function work(lock: Lock, counter: Value): void {
  for (let n = 0; n < 10_000; n++) {
    lock.runSync(() => {
      counter.value += 1;
    });
  }
  console.log('10,000 added');
}

// Each child imports this module to find `work`. Only the main process runs this block.
if (isMainProcess) {
  const lock = new Lock();
  const counter = new Value('i32', 0);
  const workers = [1, 2, 3, 4].map(() => new Process({ target: work, args: [lock, counter] }));
  for (const worker of workers) worker.start();
  for (const worker of workers) await worker.join();
  console.log(`counter: ${counter.value}`);
}
