/** Targets of processes and threads that do one thing. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { Lock, RLock, Value } from 'lockstep';

/** Tries the same lock through three ways in which it came here. */
export function locksAsSeenBy(
  lock: Lock,
  nested: { list: Lock[]; map: Map<string, Lock> },
): { acquired: boolean[]; handle: string | undefined } {
  const seen = [lock, nested.list[0], nested.map.get('lock')];
  const holds = seen.map((each) => each?.tryAcquire() ?? null);
  for (const hold of holds) hold?.release();
  return { acquired: holds.map((hold) => hold !== null), handle: nested.map.get('lock')?.handle };
}

export function triesOnce(lock: Lock | RLock): boolean {
  const hold = lock.tryAcquire();
  hold?.release();
  return hold !== null;
}

/** The code of the error with which it fails to release the lock. */
export function codeOfRelease(lock: Lock | RLock): unknown {
  try {
    lock.release();
    return 'released';
  } catch (error) {
    return Reflect.get(error as Error, 'code');
  }
}

/** Holds the lock until `gate` is not 0. */
export async function holdsUntil(lock: Lock | RLock, gate: Value<'i32'>): Promise<void> {
  const hold = await lock.acquire();
  while (gate.value === 0) await sleep(1);
  hold.release();
}

/** Goes on until it is ended. */
export async function lingers(): Promise<void> {
  await new Promise(() => setInterval(() => {}, 1000));
}
