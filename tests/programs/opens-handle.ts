/**
 * Opens the lock that a handle stands for and takes it: `opens-handle <handle>`. Prints `taken`, or
 * the code of the error.
 */

import { Lock, LockstepError } from 'lockstep';

try {
  Lock.open(process.argv[2] ?? '')
    .acquireSync()
    .release();
  console.log('taken');
} catch (error) {
  if (!(error instanceof LockstepError)) throw error;
  console.log(error.code);
}
