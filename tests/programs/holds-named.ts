/**
 * Holds a named lock, and counts in a named Value: `holds-named self|child`. Holds it itself, or
 * lets a child process of its own hold it. Prints `asked` when it waits for the lock or has it.
 * Then it prints, as JSON, who holds it, whether the last holder had died, and how many have held
 * it. It goes on until it is ended.
 */

import { isMainProcess, Lock, Process, Value } from 'lockstep';
import { lingers } from '../support/targets.ts';

export async function holds(): Promise<void> {
  const lock = new Lock({ name: 'held' });
  const starts = new Value('i32', 0, { name: 'starts', lock: false });
  const got = lock.acquire();
  console.log('asked');
  const { recovered } = await got;
  starts.add(1);
  console.log(JSON.stringify({ pid: process.pid, owner: lock.owner?.pid, recovered, starts: starts.value }));
  await lingers();
  starts.close();
  lock.close();
}

if (isMainProcess) {
  if (process.argv[2] === 'child') {
    new Process({ target: holds, daemon: true }).start();
    await lingers();
  } else await holds();
}
