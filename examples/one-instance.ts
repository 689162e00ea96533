import { Lock } from 'lockstep';

// All programs of this user that use this name share one lock.
const lock = new Lock({ name: 'nightly-report' });
const hold = lock.tryAcquire();

if (hold === null) {
  console.log(`another instance is running: pid ${lock.owner?.pid}`);
} else {
  console.log(`working as pid ${process.pid}`);
  await new Promise((resolve) => setTimeout(resolve, 2000)); // The job.
  hold.release();
}
