/** Task options: the options of calls, and the refusal of all others. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { checkKnown } from '../options.ts';
import type { Movable } from './current-task.ts';
import { checkTime, checkWhole, MOST } from './option-checks.ts';

/** Options of one task. Times are in milliseconds. */
export interface TaskOptions {
  /**
   * Cancels the task: the call rejects with `signal.reason` immediately. A waiting task never runs.
   * A running task is asked to stop (see `currentTask()`); after `grace`, its worker is killed and
   * replaced.
   */
  signal?: AbortSignal | undefined;
  /**
   * Longest run time, counted from the task's own start. At its end the task is asked to stop, as
   * by `signal`.
   */
  timeout?: number | undefined;
  /** Longest time to wait for a free worker. At its end the task is withdrawn. */
  queueTimeout?: number | undefined;
  /** How often the task may run again when its worker died. Default: the pool's, which is 0. */
  retries?: number | undefined;
  /** Higher goes first. Default 0. */
  priority?: number | undefined;
  /**
   * Tasks with the same key run in the same worker, in the order of the calls, one after the other
   * unless `concurrency` allows more. So they can share what a worker keeps: a cache, a connection,
   * a file. If that worker ends, they continue in another. A key without
   * tasks is forgotten once 10,000 others have been used.
   */
  key?: string | number | undefined;
  /** Receives the task's reports (`currentTask().report`). */
  onReport?: ((value: unknown) => void) | undefined;
  /**
   * Buffers and ports in the arguments that move to the worker of a `ThreadPool`, and are not
   * copied. From the call on they are detached here, even if the task is cancelled or lost. Such a
   * task is not retried.
   */
  transfer?: readonly Movable[] | undefined;
}

/** Options of `broadcast`; those of a task hold for each of its calls. */
export interface BroadcastOptions
  extends Pick<TaskOptions, 'signal' | 'timeout' | 'queueTimeout' | 'onReport'> {
  /** Resolves to the results of `Promise.allSettled`, and does not reject if a call fails. */
  settled?: boolean | undefined;
}

/** Options of `stream`. Times are in milliseconds. A stream is not retried. */
export interface GeneratorOptions extends Omit<TaskOptions, 'retries'> {
  /** How many values may come before they are read. Default 64; pass fewer if they are large. */
  ahead?: number | undefined;
}

/** Throws `InvalidTypeError`, `OutOfRangeError`. */
export function checkTaskOptions(title: string, options: TaskOptions): void {
  if (options === null || typeof options !== 'object') {
    throw new InvalidTypeError(
      `${title}: refused, its options are ${inspect(options)}; pass an object such as { timeout: 500 }`,
    );
  }
  checkKnown(title, options, 'task');
  const { signal, timeout, queueTimeout, retries, priority, key, onReport, transfer } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new InvalidTypeError(
      `${title}: refused, its signal is ${inspect(signal, { depth: 0 })}; pass controller.signal`,
    );
  }
  if (timeout !== undefined) checkTime(title, 'timeout', timeout);
  if (queueTimeout !== undefined) checkTime(title, 'queueTimeout', queueTimeout);
  if (retries !== undefined) checkWhole(title, 'retries', retries, 0, MOST);
  if (priority !== undefined && (typeof priority !== 'number' || Number.isNaN(priority))) {
    throw new InvalidTypeError(`${title}: refused, its priority is ${inspect(priority)}; pass a number`);
  }
  if (key !== undefined && typeof key !== 'string' && (typeof key !== 'number' || Number.isNaN(key))) {
    throw new InvalidTypeError(
      `${title}: refused, its key is ${inspect(key, { depth: 0 })}; pass a string or a number`,
    );
  }
  if (onReport !== undefined && typeof onReport !== 'function') {
    throw new InvalidTypeError(`${title}: refused, onReport is ${inspect(onReport)}; pass a function`);
  }
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw new InvalidTypeError(
      `${title}: refused, transfer is ${inspect(transfer, { depth: 0 })}; pass a list of buffers and ports`,
    );
  }
}
