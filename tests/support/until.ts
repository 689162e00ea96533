/**
 * Waiting for something to be so, by looking again and again: tests never sleep "to let it happen".
 */

import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 1;
/**
 * How long something is waited for that has to come. No bound on what is tested, only on how long a
 * broken test hangs: a loaded machine may take a hundred times as long as an idle one.
 */
export const PATIENCE_MS = 120_000;
/** The same for a test or a suite as a whole, and less than the runner gives its file. */
export const HANG_MS = 300_000;

/** Resolves once `condition` holds; rejects, naming `what`, when it does not come true. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  if (!(await holds(condition))) throw new Error(`waited ${PATIENCE_MS} ms in vain for: ${what}`);
}

/** Whether `condition` comes to hold. */
export async function holds(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) return false;
    await sleep(INTERVAL_MS);
  }
  return true;
}

/** Rejects, naming what did not come, when it takes so long that it counts as hanging. */
export async function inTime<T>(promise: Promise<T>, what: string, limit: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: ${what} did not come in ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, hang]);
  } finally {
    clearTimeout(timer);
  }
}

/** How many flows wait on the object, as it says itself. */
export function waiting(object: { describe(): object }): number {
  const count: unknown = Reflect.get(object.describe(), 'waiting');
  if (typeof count !== 'number') throw new TypeError(`describe().waiting is ${String(count)}, not a number`);
  return count;
}

/** Resolves once exactly `count` flows wait on the object. */
export async function untilWaiting(object: { describe(): object }, count: number): Promise<void> {
  await until(() => waiting(object) === count, `${count} waiting on ${JSON.stringify(object.describe())}`);
}
