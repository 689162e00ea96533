/** The functions that the pools of the crash walks run. */

import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue, RawArray, Shared } from 'lockstep';
import { arm } from './countdown.ts';

/** From here on the worker dies at its `k`-th point, with a word in the file. */
export function armWorker(k: number, file: string): void {
  arm(k, (point) => writeFileSync(file, point));
}

export function count(counts: RawArray<'i32'>, index: number): number {
  Atomics.add(counts.view as Int32Array, index, 1);
  return index;
}

export function note(log: Queue<number>, n: number): number {
  log.putSync(n);
  return n;
}

export function square(n: number): number {
  return n * n;
}

export function* give(counts: RawArray<'i32'>, end: number): Generator<number> {
  for (let n = 0; n < end; n++) {
    Atomics.add(counts.view as Int32Array, 0, 1);
    yield n;
  }
}

/** The length of a text in the value, which the worker decodes once. */
export function lengthIn(table: Shared<{ texts: string[] }>, n: number): number | undefined {
  return table.value.texts[n]?.length;
}

export function abort(): never {
  process.abort();
}

/** Ends as V8 does when its heap is full. */
export function abortAsFullHeap(): never {
  process.kill(process.pid, 'SIGABRT');
  for (;;);
}

export function late(): Promise<void> {
  return sleep(1000);
}
