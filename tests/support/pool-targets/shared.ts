/** What uses shared pools, and is used by them. */

import { currentTask, type Event, Pool, ThreadPool } from 'lockstep';
import { square } from './values.ts';
import { whoami } from './waits.ts';

/** In a worker: where the tasks of its own shared pools run, and the task that they see. */
export async function shareInside(): Promise<[here: number, ...inside: number[]]> {
  const inside: number[] = [];
  for (const pool of [Pool.shared(), ThreadPool.shared()]) {
    inside.push(await pool.apply(whoami));
    const outer = currentTask();
    const inner = await pool.apply(reportOnce, [], { onReport: (value) => outer?.report(value) });
    inside.push(inner);
  }
  return [whoami(), ...inside];
}

/** Reports to the call that began it. */
export function reportOnce(): number {
  currentTask()?.report('from inside');
  return 7;
}

/** In a thread of the program. */
export async function squareShared(n: number): Promise<number> {
  return await Pool.shared({ processes: 1 }).apply(square, [n]);
}

/** The items after the third wait for the event. */
export function waitAfterThird([n, go]: readonly [number, Event]): number {
  if (n > 2) go.waitSync();
  return n;
}
