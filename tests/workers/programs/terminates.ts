/** Terminates threads that call the system without a pause. A crash of one is the end of all. */

import { fileURLToPath } from 'node:url';
import { Event, Thread } from 'lockstep';
import { callSystem, SYSTEM_CALLS } from '../system-calls.ts';

/** Of each kind, side by side. */
const THREADS = 4;
/** What is terminated more often: it was hit in one of a hundred. */
const AGAIN = ['memory', 'memory', 'memory', 'memory'];

for (const call of [...SYSTEM_CALLS, ...AGAIN]) {
  await Promise.all(
    Array.from({ length: THREADS }, async () => {
      using ready = new Event();
      const args: [string, string, Event] = [call, fileURLToPath(import.meta.url), ready];
      const thread = new Thread({ target: callSystem, args });
      thread.start();
      await ready.wait();
      thread.terminate();
      await thread.join();
    }),
  );
}
console.log('all have ended');
