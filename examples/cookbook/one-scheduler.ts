// Any number of copies of this program run; exactly one of them runs the job, again and again.

import { Lock } from 'lockstep';

const every = Number(process.argv[2] ?? 60_000);
const lock = new Lock({ name: 'report-scheduler' });

async function schedule(): Promise<void> {
  // One copy gets the lock and never releases it. The others wait here, and take over at its end.
  const { recovered } = await lock.acquire();
  console.log(`pid ${process.pid} schedules${recovered ? ': the scheduler before it has died' : ''}`);
  setInterval(report, every);
}

function report(): void {
  console.log(`report by ${process.pid}`);
}

// Not awaited: the rest of the program serves requests meanwhile, in every copy.
schedule().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
console.log(`pid ${process.pid} serves`);
