/** waitAny: waits until one or more of several queues, ends of pipes and signals are ready. */

import { inspect } from 'node:util';
import { onAbort } from '../aborts.ts';
import { isAborted, isSentinel } from '../agents/sentinels.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { InvalidTypeError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';
import { servedAtOnce } from '../turns.ts';
import { blockOnAny } from '../waiting/blocking.ts';
import { takeAwaiting } from '../waiting/taking.ts';
import { Connection } from './connection.ts';
import { QueueBase } from './queue-base.ts';
import type { Channel } from './ring/channel.ts';

/**
 * Objects that `waitAny` can wait for. A queue or connection is ready if it has an item, or if no
 * more items will come. A signal, such as a child's `sentinel`, is ready if it is aborted.
 */
export type Waitable =
  | QueueBase<never>
  | QueueBase<unknown>
  | Connection<never, never>
  | Connection
  | AbortSignal;

/**
 * Waits until at least one of the queues, connections and signals is ready; the event loop keeps
 * running. Resolves to a list of those that are ready, in the order given; to an empty list at the
 * timeout, and at once if there is nothing to wait for. Nothing is taken from a queue. If other
 * threads take from it, too, use `tryGet`, or `recv` with a timeout, because they may be faster.
 * *Cancels* by `signal`.
 *
 * @example
 * const ready = await waitAny([queue, connection, child.sentinel], { timeout: 1000 });
 */
export async function waitAny<Each extends Waitable>(
  objects: Iterable<Each>,
  options?: WaitOptions,
): Promise<Each[]> {
  const { all, deadline } = begin(objects, options);
  const now = all.filter(isReady);
  if (now.length > 0 || deadline.expired || isEndless(all, deadline)) return servedAtOnce(now);
  const controller = new AbortController();
  const bounded = Deadline.from({ timeout: deadline.remaining, signal: controller.signal });
  const giveUp = (): void => controller.abort(deadline.signal?.reason);
  const ignoreAbort = deadline.signal && onAbort(deadline.signal, giveUp);
  const waits = all.map((object) => becomesReady(object, bounded));
  if (waits.length === 0) waits.push(passes(bounded));
  try {
    await Promise.race(waits);
  } finally {
    ignoreAbort?.();
    controller.abort();
    await Promise.allSettled(waits);
  }
  deadline.throwIfAborted();
  return servedAtOnce(all.filter(isReady));
}

/**
 * As `waitAny`, but *blocks* the thread. Among the signals, it notices the sentinels of children,
 * within some milliseconds. It does not notice another signal that aborts during the wait, because
 * a blocked thread receives no events.
 */
export function waitAnySync<Each extends Waitable>(objects: Iterable<Each>, options?: WaitOptions): Each[] {
  const { all, deadline } = begin(objects, options);
  const now = all.filter(isReady);
  if (now.length > 0 || deadline.expired || isEndless(all, deadline)) return now;
  // Wait at the gate of each queue and connection.
  const waits = all.flatMap((object) => {
    const channel = channelOf(object);
    if (channel === undefined) return [];
    const ready = (): boolean => isReady(object);
    return [{ cell: channel.cell, wait: channel.items.waitFor(ready, ready) }];
  });
  // Children are polled: no wake-up comes from them to a blocked thread.
  const sentinels = all.filter((object) => object instanceof AbortSignal).filter(isSentinel);
  blockOnAny(waits, deadline, sentinels.length === 0 ? undefined : () => sentinels.some(isAborted));
  return all.filter(isReady);
}

/** Whether nothing would end the wait. */
function isEndless(all: readonly unknown[], { timed, signal }: Deadline): boolean {
  return all.length === 0 && !timed && signal === undefined;
}

function begin<Each>(
  objects: Iterable<Each>,
  options: WaitOptions | undefined,
): { all: Each[]; deadline: Deadline } {
  const deadline = Deadline.from(options);
  deadline.throwIfAborted();
  // A queue can be iterated, too, which would take its items.
  if (
    objects instanceof QueueBase ||
    typeof (objects as unknown as { [Symbol.iterator]: unknown } | null)?.[Symbol.iterator] !== 'function'
  ) {
    throw new InvalidTypeError(
      `waitAny: refused, ${inspect(objects)} is not a list of objects; pass an array such as [queue, connection]`,
    );
  }
  const all = [...objects];
  for (const object of all) check(object);
  return { all, deadline };
}

function check(object: unknown): void {
  if (object instanceof AbortSignal || object instanceof QueueBase) return;
  if (object instanceof Connection && object.readable) return;
  throw new InvalidTypeError(
    `waitAny: refused, ${inspect(object)} can't be waited for; pass queues, ends of pipes that receive, and signals such as child.sentinel, and wait for locks and events with their own calls`,
  );
}

function isReady(object: unknown): boolean {
  if (object instanceof AbortSignal) return isAborted(object);
  if (object instanceof Connection) return object.closed || object.ready();
  return (object as QueueBase<unknown>).ready;
}

function channelOf(object: unknown): Channel | undefined {
  if (object instanceof Connection) return object.receiving;
  return object instanceof QueueBase ? object.channel : undefined;
}

async function becomesReady(object: unknown, deadline: Deadline): Promise<void> {
  const channel = channelOf(object);
  if (channel === undefined) {
    await aborts(object as AbortSignal, deadline);
    return;
  }
  const ready = (): boolean => isReady(object);
  await takeAwaiting(channel.cell, channel.items.waitFor(ready, ready), deadline, object as object);
}

/** Resolves when the signal is aborted, or the wait has ended. */
async function aborts(signal: AbortSignal, deadline: Deadline): Promise<void> {
  const over = passes(deadline);
  let ignoreAbort: (() => void) | undefined;
  const aborted = new Promise<void>((resolve) => {
    ignoreAbort = onAbort(signal, resolve);
  });
  await Promise.race([aborted, over]);
  ignoreAbort?.();
}

/** Resolves when the deadline has passed or its signal is aborted. */
async function passes(deadline: Deadline): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = deadline.timed ? afterMilliseconds(deadline.remaining, resolve) : undefined;
    if (deadline.signal === undefined) return;
    onAbort(deadline.signal, () => {
      stop?.();
      resolve();
    });
  });
}
