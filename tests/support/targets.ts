/** Targets of processes and threads that do one thing. */

import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import {
  type Connection,
  type Event,
  type Lock,
  Process,
  type Queue,
  type RLock,
  Thread,
  type Value,
} from 'lockstep';

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
  // A promise that nobody could resolve would be collected, together with its waiter.
  await new Promise((resolve) => setTimeout(resolve, 2 ** 31 - 1));
}

/** Greets, closes its end, and lives on until the event is set. */
export async function greetsAndCloses(end: Connection, over: Event): Promise<void> {
  end.sendSync('hello');
  end.close();
  await over.wait();
}

/** Answers one message, by awaiting. */
export async function repliesOnce(end: Connection): Promise<void> {
  await end.send({ reply: await end.recv() });
}

/** Puts items, and ends at once. */
export function putsAndEnds(
  queue: Queue,
  count: number,
  how: 'returns' | 'exits' | 'throws' | 'is killed',
): void {
  for (let n = 0; n < count; n++) queue.putSync([how, n]);
  if (how === 'exits') process.exit(0);
  if (how === 'throws') throw new RangeError('on purpose');
  if (how === 'is killed') process.kill(process.pid, 'SIGKILL');
}

/** Puts the number, and has a child of its own put those below. */
export async function putsDown(queue: Queue, number: number): Promise<void> {
  queue.putSync(number);
  if (number === 0) return;
  const options = { target: putsDown, args: [queue, number - 1] as [Queue, number] };
  const child = threadId === 0 ? new Process(options) : new Thread(options);
  child.start();
  await child.join();
}

/** Takes the lock again and again, and sends the token of every other holding while it holds. */
export async function sendsTokens(lock: Lock, tokens: Queue<number>): Promise<void> {
  for (let i = 0; i < 20; i++) {
    await lock.run(async () => {});
    const hold = await lock.acquire();
    await tokens.put(hold.token);
    hold.release();
  }
}
