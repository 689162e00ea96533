/**
 * Waits for the named lock `held` of a namespace: `idles <namespace> awaits|blocks`. Prints
 * `waiting` just before, and what came of it: `taken`, `recovered`, or the code of the error.
 * Whatever is thrown from a timer or a listener is printed as `uncaught`.
 */

import { Lock } from 'lockstep';

const [, , namespace = '', how = ''] = process.argv;
process.on('uncaughtException', (error) => console.log('uncaught', error.message));
const lock = new Lock({ name: 'held', namespace });
try {
  console.log('waiting');
  const { recovered } = how === 'blocks' ? lock.acquireSync() : await lock.acquire();
  console.log(recovered ? 'recovered' : 'taken');
  lock.release();
} catch (error) {
  console.log((error as { code?: string }).code);
}
