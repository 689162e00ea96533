/**
 * Starts a child process, kills it, and sees it end. Prints the child's pid, who holds the named
 * lock `held`, which a process of another program does, and whether it was to be had afterwards.
 */

import { isMainProcess, Lock, Process } from 'lockstep';
import { lingers } from '../support/targets.ts';

if (isMainProcess) {
  const lock = new Lock({ name: 'held' });
  const child = new Process({ target: lingers });
  child.start();
  const { pid } = child;
  child.kill();
  await child.join();
  const had = await lock.acquire({ timeout: 200 });
  console.log(JSON.stringify({ pid, owner: lock.owner?.pid, had: had !== null }));
}
