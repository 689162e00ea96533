/** The actions of the last party of a barrier's round. */

import { threadId } from 'node:worker_threads';
import type { Value } from 'lockstep';

let rounds: Value<'i32'> | undefined;
let runner: Value<'i32'> | undefined;

/** Says where `countRound` of this thread counts, and where it says who ran it. */
export function countRoundsIn(counter: Value<'i32'>, by: Value<'i32'>): void {
  rounds = counter;
  runner = by;
}

export function countRound(): void {
  rounds?.add(1);
  if (runner !== undefined) runner.value = runnerId(process.pid, threadId);
}

export function failingAction(): void {
  throw new RangeError('thrown by the action');
}

/** A thread as one number. */
export function runnerId(pid: number, thread: number): number {
  return pid + thread * 2 ** 22;
}
