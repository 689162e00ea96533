/** Functions that run until something happens, and what they know of their task. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import { Barrier, currentTask, type Event, type Lock, Queue, Semaphore, waitAnySync } from 'lockstep';

export function whoami(): number {
  return isMainThread ? process.pid : threadId;
}

/** Reports that it runs, and continues until `go` is set. */
export async function runUntil(began: Queue<number>, go: Event): Promise<number> {
  await began.put(whoami());
  await go.wait();
  return whoami();
}

export function blockUntil(began: Queue<number>, go: Event): number {
  began.putSync(whoami());
  go.waitSync();
  return whoami();
}

/** Reports that it runs, blocks until `go` is set, and returns the value. */
export function blockFor<Value>(began: Queue<number>, go: Event, value: Value): Value {
  began.putSync(whoami());
  go.waitSync();
  return value;
}

export async function waitIfFirst(began: Queue<number>, go: Event, n: number): Promise<number> {
  if (n === 0) await go.wait();
  else await began.put(n);
  return n;
}

export async function waitIfFirstTuple([, go, n]: readonly [Queue<number>, Event, number]): Promise<number> {
  if (n === 0) await go.wait();
  return n;
}

export async function waitTuple([, go, n]: readonly [Queue<number>, Event, number]): Promise<number> {
  await go.wait();
  return n;
}

export async function sleepLong(): Promise<void> {
  await sleep(1_000_000);
}

/** Stays with its item. */
export async function sleepFor(_item: number): Promise<void> {
  await sleepLong();
}

export function spinForEver(began: Queue<number>): never {
  began.putSync(whoami());
  for (;;);
}

export function spinUntilAborted(began: Queue<number>): string {
  const task = currentTask();
  began.putSync(whoami());
  while (task?.aborted !== true);
  return 'saw it';
}

export async function untilAborted(): Promise<string> {
  const { signal } = currentTask()!;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return 'aborted';
}

export async function awaitAbort(began: Queue<number>, seen: Queue<string>): Promise<void> {
  const { signal } = currentTask()!;
  await began.put(whoami());
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  await seen.put('aborted');
}

/** Blocks in a wait of that sort with the signal of its task; notes why it ended. */
export function blockWithSignal(began: Queue<number>, go: Event, how: string, seen: Queue<string>): string {
  const { signal } = currentTask()!;
  began.putSync(whoami());
  try {
    if (how === 'event') go.waitSync({ signal });
    else if (how === 'any') waitAnySync([new Queue()], { signal });
    else if (how === 'permit') new Semaphore(0).acquireSync({ signal });
    else if (how === 'barrier') new Barrier(2).waitSync({ signal });
    else new Queue().getSync({ signal });
  } catch (error) {
    seen.putSync((error as Error).name);
  }
  return how;
}

/** The same for a lock that another thread holds. */
export function acquireWithSignal(began: Queue<number>, lock: Lock, seen: Queue<string>): void {
  const { signal } = currentTask()!;
  began.putSync(whoami());
  try {
    lock.acquireSync({ signal }).release();
  } catch (error) {
    seen.putSync((error as Error).name);
  }
}

export function report(n: number): string {
  const task = currentTask()!;
  for (let round = 0; round < n; round++) task.report(round);
  return 'reported';
}

export function reportFunction(): void {
  currentTask()!.report({ fn: () => 1 });
}

/** Waits until all parties are there. */
export async function meet(barrier: Barrier): Promise<boolean> {
  await barrier.wait();
  return true;
}

/** Reports without a pause until it is asked to stop. */
export function reportUntilAborted(): void {
  for (let n = 0; ; n++) {
    currentTask()!.throwIfAborted();
    currentTask()!.report(n);
  }
}

/** An item that waits for a gate, or opens it. Numbers do neither. */
export type GatedItem = number | { readonly gate: Event; readonly opens: boolean; readonly n: number };

export async function passGate(item: GatedItem): Promise<number> {
  if (typeof item === 'number') return item;
  if (item.opens) item.gate.set();
  else await item.gate.wait();
  return item.n;
}
