/**
 * The work of the threads of a world: each takes a place in it, and stays there until it is ended.
 */

import type { BoundedSemaphore, Condition, Event, Latch, Lock, RWLock } from 'lockstep';
import { Process, Queue, Thread } from 'lockstep';

/** Objects that are not to be collected. */
const kept: object[] = [];

/** Takes a lock, waits until all have theirs, and blocks for another. */
export function holdThenWait(holds: Lock, all: Latch, wants: Lock, timeout?: number): void {
  holds.acquireSync();
  all.countDown();
  all.waitSync();
  wants.acquireSync({ deadlock: 'ignore', timeout });
  stay();
}

export function blockForLock(lock: Lock, timeout?: number): void {
  lock.acquireSync({ deadlock: 'ignore', timeout });
  stay();
}

export async function awaitLock(lock: Lock): Promise<void> {
  await lock.acquire({ deadlock: 'ignore' });
  stay();
}

/** Holds the lock while it computes. */
export function holdBusy(lock: Lock): void {
  lock.acquireSync();
  for (;;);
}

/** Holds the lock while its event loop waits for something else. */
export function holdIdle(lock: Lock): void {
  lock.acquireSync();
  stay();
}

/** Holds one lock, and blocks for another. */
export function holdAndBlock(holds: Lock, wants: Lock): void {
  holds.acquireSync();
  wants.acquireSync({ deadlock: 'ignore' });
  stay();
}

export function holdPermit(semaphore: BoundedSemaphore): void {
  semaphore.acquireSync();
  stay();
}

export function blockForPermit(semaphore: BoundedSemaphore): void {
  semaphore.acquireSync();
  stay();
}

export function read(lock: RWLock): void {
  lock.read.acquireSync();
  stay();
}

export function write(lock: RWLock): void {
  lock.write.acquireSync();
  stay();
}

export function blockForEvent(event: Event, timeout?: number): void {
  event.waitSync({ timeout });
  stay();
}

export async function awaitEvent(event: Event): Promise<void> {
  await event.wait();
}

export function blockForNotification(condition: Condition): void {
  condition.acquireSync();
  condition.waitSync();
}

/**
 * A queue that members open by its name, because a member that closes a queue closes it for all.
 */
export interface QueueName {
  readonly name: string;
  readonly namespace: string;
  readonly maxSize?: number;
}

export function blockForItem(queue: QueueName): void {
  new Queue<number>(queue).getSync();
  stay();
}

/** Puts until the queue is full. */
export function blockForRoom(name: QueueName): void {
  const queue = new Queue<number>(name);
  for (;;) queue.putSync(1);
}

export function haveQueueOpen(name: QueueName): void {
  kept.push(new Queue<number>(name));
  stay();
}

/** Has the object open, and an event loop that runs: it could do anything. */
export function haveOpen(object: object): void {
  kept.push(object);
  stay();
}

/** Starts a child that waits for the event, and blocks for its end. */
export function joinProcess(event: Event, name: string): void {
  const child = new Process({ target: blockForEvent, args: [event], name });
  child.start();
  event.close();
  child.joinSync();
}

export function joinThread(event: Event, name: string): void {
  const child = new Thread({ target: blockForEvent, args: [event], name });
  child.start();
  event.close();
  child.joinSync();
}

/** Starts a child that blocks for the lock, and awaits its end. May hold the lock meanwhile. */
export async function awaitChild(
  lock: Lock,
  name: string,
  asProcess: boolean,
  holds: boolean,
): Promise<void> {
  if (holds) lock.acquireSync();
  const given = { target: blockForLock, args: [lock] as [Lock], name };
  const child = asProcess ? new Process(given) : new Thread(given);
  child.start();
  if (!holds) lock.close();
  await child.join();
}

function stay(): void {
  setInterval(() => {}, 1e6);
}

// Tasks of pools.

/** Never comes to an end, and keeps its thread busy. */
export function spin(_item?: unknown): void {
  for (;;);
}

/** Never comes to an end, and leaves its event loop idle. */
export async function awaitInVain(_item?: unknown): Promise<void> {
  stay();
  await new Promise(() => {});
}

/** The same, and keeps nothing running. */
export async function neverSettle(): Promise<void> {
  await new Promise(() => {});
}

export function brief(item: number): number {
  return item;
}

/** Ends its own process. */
export function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Is blocked until the event is set. */
export function blockTask(event: Event): void {
  event.waitSync();
}

export async function takeBriefly(lock: Lock): Promise<void> {
  (await lock.acquire({ deadlock: 'ignore' })).release();
}
