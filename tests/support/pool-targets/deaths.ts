/** Functions that end their worker. */

import type { Event, Queue, RawArray } from 'lockstep';
import { large } from './values.ts';
import { whoami } from './waits.ts';

export function exit(code: number): never {
  return process.exit(code);
}

/** Ends its worker with that exit code, unless it is 0. */
export function exitAt(code: number): number {
  return code === 0 ? 0 : process.exit(code);
}

export function killSelf(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}

/** Counts that it has begun, and kills its process the first time. */
export function killFirst(counts: RawArray<'i32'>, index: number): number {
  if (Atomics.add(counts.view as Int32Array, index, 1) === 0) killSelf();
  return index;
}

/** Ends its worker each time. */
export function endFirst(counts: RawArray<'i32'>, index: number): number {
  if (Atomics.add(counts.view as Int32Array, index, 1) === 0) process.exit(3);
  return index;
}

/** Kills its process at item 7, the first time. */
export function killAt7(counts: RawArray<'i32'>, n: number): number {
  if (Atomics.add(counts.view as Int32Array, n, 1) === 0 && n === 7) killSelf();
  return n;
}

export function abort(): never {
  process.abort();
}

/** Ends as V8 does when its heap is full. */
export function abortAsFullHeap(): never {
  process.kill(process.pid, 'SIGABRT');
  for (;;);
}

export function fillHeap(): never {
  const all: unknown[] = [];
  for (;;) all.push(new Array(10_000).fill(Math.random()));
}

/** Ends its process while its result is being written. */
export function dieInResult(): unknown {
  return {
    bytes: large(1024 * 1024),
    get last(): number {
      return killSelf();
    },
  };
}

/** Ends its worker in that way, and stays until it has ended. */
const ENDS: Record<string, () => void> = {
  'exit 0': () => process.exit(0),
  'exit 7': () => process.exit(7),
  abort: () => process.abort(),
  SIGKILL: () => void process.kill(process.pid, 'SIGKILL'),
  SIGSEGV: () => void process.kill(process.pid, 'SIGSEGV'),
  throw: () =>
    void setImmediate(() => {
      throw new RangeError('of no task');
    }),
  reject: () => void Promise.reject(new RangeError('of no task')),
};

export async function endBy(began: Queue<number>, how: string): Promise<never> {
  began.putSync(whoami());
  ENDS[how]!();
  for (;;) await new Promise((resolve) => setTimeout(resolve, 1000));
}

/** Reports that it runs, and ends its worker once `go` is set. */
export async function exitOn(began: Queue<number>, go: Event): Promise<never> {
  await began.put(whoami());
  await go.wait();
  process.exit(3);
}
