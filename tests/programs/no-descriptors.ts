/**
 * Uses up all descriptors that it may have, then lets a child have a lock for which the child
 * awaits, and awaits one that the child holds. The child also leaves garbage behind, and objects
 * are opened and closed meanwhile. Prints what came of it as JSON. To be run with few descriptors.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Event, isMainProcess, Lock, Process } from 'lockstep';
import { takeDescriptors } from '../support/descriptors.ts';

/** Milliseconds: longer than all intervals at which agents look around. */
const LONG = 200;

export async function holds(lock: Lock, other: Lock, ready: Event): Promise<void> {
  await lock.acquire();
  ready.set();
  (await other.acquire()).release();
  await sleep(LONG);
  lock.release();
}

if (isMainProcess) {
  const [lock, other, ready] = [new Lock(), new Lock(), new Event()];
  other.acquireSync();
  const child = new Process({ target: holds, args: [lock, other, ready] });
  child.start();
  await ready.wait();
  const uncaught: string[] = [];
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  const { full } = takeDescriptors();
  let released = 'released';
  try {
    other.release();
  } catch (error) {
    released = String(error);
  }
  const hold = await lock.acquire({ timeout: 20_000 });
  console.log(JSON.stringify({ full, released, acquired: hold !== null, uncaught }));
  process.kill(child.pid!, 'SIGKILL');
  process.exit();
}
