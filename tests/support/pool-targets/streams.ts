/** Generators, and other functions that give values one by one. */

import { currentTask, type Queue } from 'lockstep';
import { killSelf } from './deaths.ts';
import { fail } from './errors.ts';
import { large, later } from './values.ts';
import { awaitAbort, spinForEver } from './waits.ts';

/** Gives the numbers below `end`, and notes its end. */
export function* countTo(end: number, log?: Queue<string>): Generator<number> {
  try {
    for (let n = 0; n < end; n++) yield n;
  } finally {
    log?.putSync('closed');
  }
}

/** The same, and notes each number before it gives it. */
export async function* countSlowly(end: number, log: Queue<number>): AsyncGenerator<number> {
  try {
    for (let n = 0; n < end; n++) {
      await log.put(n);
      yield n;
    }
  } finally {
    await log.put(-1);
  }
}

/** Counts on whenever `permits` brings something; `log` gets each number before it is yielded. */
export async function* countOn(permits: Queue<number>, log: Queue<number>): AsyncGenerator<number> {
  for (let n = 0; ; n++) {
    await permits.get();
    await log.put(n);
    yield n;
  }
}

/** Gives two numbers; its `finally` throws. */
export function* failInFinally(): Generator<number> {
  try {
    yield 1;
    yield 2;
  } finally {
    fail(7);
  }
}

/** Gives the numbers below `end`, and then something else. */
export function* countAnd(end: number, then: 'throw' | 'die' | 'exit' | 'function'): Generator<unknown> {
  yield* countTo(end);
  if (then === 'throw') fail(end);
  if (then === 'die') killSelf();
  if (then === 'exit') process.exit(3);
  yield () => 1;
}

/** Gives one number, and waits for its signal. */
export async function* waitForAbort(began: Queue<number>, seen: Queue<string>): AsyncGenerator<number> {
  try {
    yield 1;
    await awaitAbort(began, seen);
    yield 2;
  } finally {
    await seen.put('closed');
  }
}

/** Gives one number, and never another. */
export function* spinAfterOne(began: Queue<number>): Generator<number> {
  yield 1;
  spinForEver(began);
}

export async function listLater(numbers: number[]): Promise<number[]> {
  return await later(numbers);
}

export function* countBytes(count: number, bytes: number): Generator<Uint8Array> {
  for (let n = 0; n < count; n++) yield large(bytes).fill(n);
}

export function* reportEach(end: number): Generator<boolean | undefined> {
  for (let n = 0; n < end; n++) {
    currentTask()?.report(n);
    yield currentTask()?.aborted;
  }
}

/** Reports without a pause; returns by how many bytes its process had grown at most. */
export function reportAndGrow(count: number, bytes: number): number {
  const before = process.memoryUsage.rss();
  let most = 0;
  for (let n = 0; n < count; n++) {
    currentTask()?.report(large(bytes));
    most = Math.max(most, process.memoryUsage.rss() - before);
  }
  return most;
}

/** Reports its numbers, and then puts that it has; reports once more when it has waited. */
export async function reportThenPut(count: number, bytes: number, queue: Queue<string>): Promise<string> {
  for (let n = 0; n < count; n++) currentTask()?.report([n, large(bytes)]);
  queue.putSync('reported');
  await later(undefined);
  currentTask()?.report([count, '']);
  return 'done';
}

/** Reports more than its ring has room for. */
export function reportMuch(count: number, bytes: number): number {
  for (let n = 0; n < count; n++) currentTask()?.report(large(bytes));
  return count;
}
