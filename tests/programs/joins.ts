/**
 * A plain worker thread that joins a named namespace, tells its parent how that went, and stays.
 */

import { parentPort } from 'node:worker_threads';
import { Lock } from 'lockstep';

try {
  const lock = new Lock({ name: 'crowd', namespace: 'crowded' });
  lock.acquireSync().release();
  parentPort?.postMessage(null);
  setInterval(() => lock.locked, 60_000);
} catch (error) {
  parentPort?.postMessage(Reflect.get(error as Error, 'code'));
}
