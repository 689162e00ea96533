/** Initializers and finalizers of workers, and workers that make workers. */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  currentTask,
  type Event,
  Pool,
  Process,
  type Queue,
  type RawArray,
  ThreadPool,
  type Value,
  workerState,
} from 'lockstep';
import { endFirst, killSelf } from './deaths.ts';
import { square } from './values.ts';
import { sleepLong, whoami } from './waits.ts';

export function connect(text: string): { text: string } {
  return { text };
}

export function plainState(): string {
  return 'here';
}

export function askState(): string {
  return workerState(connect).text;
}

/** An initializer that works once, and after that ends in that way. */
export async function connectThen(counts: RawArray<'i32'>, how: string): Promise<string> {
  if (Atomics.add(counts.view as Int32Array, 0, 1) === 0) return 'connected';
  if (how === 'exits') exitAtStart();
  if (how === 'rejects') await rejectToConnect();
  if (how === 'never ends') await neverConnect();
  return failToConnect();
}

export function failToConnect(): never {
  throw new Error('no connection');
}

export async function rejectToConnect(): Promise<never> {
  await sleep(1);
  throw new Error('no connection, later');
}

export function neverConnect(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1000));
}

/** An initializer: from the third worker on it waits until the event is set. */
export async function beginLater(starts: Value, open: Event): Promise<void> {
  if (starts.add(1) >= 2) await open.wait();
}

export function exitAtStart(): never {
  return process.exit(5);
}

/** An initializer whose first worker ends in it. */
export function endOnce(counts: RawArray<'i32'>): string {
  endFirst(counts, 0);
  return 'connected';
}

/** The task's own view of itself. */
export function askTask(): { aborted: boolean | undefined; state: { text: string } } {
  return { aborted: currentTask()?.aborted, state: workerState(connect) };
}

/** The finalizer of a pool that was initialized by `openLog`. */
export function openLog(path: string): string {
  return path;
}

export function noteEnd(path: string): void {
  const fd = openSync(path, 'a');
  writeSync(fd, `${whoami()}\n`);
  closeSync(fd);
}

export function throwAtEnd(): never {
  throw new Error('of the finalizer');
}

export async function neverEnd(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_000_000));
}

export function exitAtEnd(): never {
  return process.exit(4);
}

/** A finalizer that kills its process. */
export function killAtEnd(): never {
  return killSelf();
}

export function rssOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
}

export async function nested(kind: 'Pool' | 'ThreadPool', n: number): Promise<number> {
  const pool = kind === 'Pool' ? new Pool({ processes: 1 }) : new ThreadPool({ threads: 1 });
  try {
    return await pool.apply(square, [n]);
  } finally {
    await pool.close();
  }
}

export async function nestedProcess(n: number): Promise<number> {
  const child = new Process({ target: square, args: [n] });
  child.start();
  return await child.result;
}

/** Uses a pool in the thread or process that calls it. */
export async function usePool(kind: 'Pool' | 'ThreadPool'): Promise<number[]> {
  const pool = kind === 'Pool' ? new Pool({ processes: 1 }) : new ThreadPool({ threads: 1 });
  try {
    return await pool.map(square, [1, 2, 3]);
  } finally {
    await pool.close();
  }
}

/** Starts a process, and does not wait for it. */
export function leaveChild(daemon: boolean, began: Queue<number>, go: Event, ends: Value): void {
  new Process({ target: stayUntil, args: [began, go, ends], daemon }).start();
}

export function stayUntil(began: Queue<number>, go: Event, ends: Value): void {
  began.putSync(process.pid);
  go.waitSync();
  ends.add(1);
}

/** A worker in whose pool another does the same, so deep; the last one stays. */
export async function nest(pids: Queue<number>, depth: number): Promise<void> {
  await pids.put(process.pid);
  if (depth === 0) await sleepLong();
  else await new Pool({ processes: 1, warm: 0 }).apply(nest, [pids, depth - 1]);
}

/** Makes workers and a process of its own, says who they are, and stays. */
export async function haveFamily(pids: Queue<number>): Promise<void> {
  const pool = new Pool({ processes: 1, warm: 0 });
  await pids.put(await pool.apply(whoami));
  const child = new Process({ target: sleepLong, daemon: true });
  child.start();
  await pids.put(child.pid!);
  await pool.apply(sleepLong);
}
