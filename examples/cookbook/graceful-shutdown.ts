// After SIGTERM: finish the current job, start no other, and end. A second SIGTERM ends at once.

import { Lock } from 'lockstep';

const lock = new Lock({ name: 'accounts' });
const stop = new AbortController();

process.on('SIGTERM', () => {
  if (stop.signal.aborted) process.exit(1);
  console.log('finishing');
  stop.abort();
});

async function job(number: number): Promise<void> {
  // The signal ends the wait for the lock. It does not interrupt what runs inside.
  await lock.run(
    async () => {
      console.log(`job ${number} begins`);
      await new Promise((resolve) => setTimeout(resolve, 100));
      console.log(`job ${number} is done`);
    },
    { signal: stop.signal },
  );
}

for (let number = 1; !stop.signal.aborted; number++) {
  try {
    await job(number);
  } catch (error) {
    if (error !== stop.signal.reason) throw error;
  }
}
console.log(`the lock is ${lock.owner?.pid === process.pid ? 'still held' : 'released'}`);
