/** Pool options: the options of a pool and its tasks, and the refusal of all others. */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError } from '../errors.ts';
import { checkKnown, checkOptions } from '../options.ts';
import { cpuCount } from '../workers/current-worker.ts';
import type { TaskContext } from './context.ts';
import type { Movable } from './current-task.ts';
import { MOST_WORKERS } from './task-table.ts';

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

/** Options of both kinds of pools. Times are in milliseconds. */
export interface CommonPoolOptions<State, InitArgs extends readonly unknown[]> {
  /** The pool's name, shown in messages. */
  name?: string | undefined;
  /**
   * A function that runs once in each worker, before its first task. Tasks read its result by
   * `workerState(initializer)`.
   */
  initializer?: ((...args: InitArgs) => State) | undefined;
  /** The arguments of the initializer. */
  initArgs?: NoInfer<InitArgs> | undefined;
  /** Longest time for the initializer, in milliseconds. Default 60,000. */
  initTimeout?: number | undefined;
  /**
   * A function that runs in each worker that ends normally; its argument is the initializer's
   * result.
   */
  finalizer?: ((state: Awaited<State>) => unknown) | undefined;
  /**
   * Takes the context of a call, such as an `AsyncLocalStorage`'s value, to the worker. Errors of
   * its functions reject that call.
   */
  context?: TaskContext | undefined;
  /**
   * How many tasks a worker may run at the same time; more than 1 helps tasks that await. Default
   * 1.
   */
  concurrency?: number | undefined;
  /**
   * How many tasks may wait; one more rejects with `QueueFullError`. Default: no limit. See
   * `room()`.
   */
  maxQueue?: number | undefined;
  /**
   * The number of tasks after which a worker is replaced; a chunk of a map counts as one. Default:
   * no limit.
   */
  maxTasksPerChild?: number | undefined;
  /**
   * Memory (RSS) in bytes; a worker that has more is replaced after its task. Default: no limit.
   */
  maxMemoryPerChild?: number | undefined;
  /** Milliseconds after which idle workers above `min` end. Default 10,000. */
  idleTimeout?: number | undefined;
  /**
   * Milliseconds between asking a task to stop and killing its worker. With 0 it is killed
   * immediately, with `Infinity` never. Default 1,000.
   */
  grace?: number | undefined;
  /** The default of `timeout` for all tasks. */
  timeout?: number | undefined;
  /** The default of `retries` for all tasks. */
  retries?: number | undefined;
  /** Whether `stats` has times and slowest tasks. Default true. */
  statistics?: boolean | undefined;
}

/** `initArgs` are required where the initializer needs arguments. */
export type WithInitArgs<InitArgs extends readonly unknown[]> = [] extends InitArgs
  ? unknown
  : { initArgs: NoInfer<InitArgs> };

/**
 * The number of workers, or the smallest and the largest number. With 0, tasks run in this thread.
 */
export type WorkerCount = number | { min: number; max: number };

/** The options, checked and complete. */
export interface Settings {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  /** Whether the tasks run in the pool's own thread. */
  readonly isHere: boolean;
  /** Whether memory can move to the workers. */
  readonly moves: boolean;
  readonly initTimeout: number;
  readonly concurrency: number;
  readonly maxQueue: number;
  readonly maxTasksPerChild: number;
  readonly maxMemoryPerChild: number;
  readonly idleTimeout: number;
  readonly grace: number;
  readonly timeout: number | undefined;
  readonly retries: number;
  readonly statistics: boolean;
}

const INIT_TIMEOUT = 60_000;
const IDLE_TIMEOUT = 10_000;
const GRACE = 1000;
const MOST = 2 ** 31 - 1;

/** Throws `InvalidTypeError`, `OutOfRangeError`. */
export function settingsOf(
  kind: 'Pool' | 'ThreadPool',
  options: CommonPoolOptions<unknown, readonly unknown[]>,
  count: unknown,
): Settings {
  checkOptions(kind, options, kind, '{ processes: 4 }');
  const { name, initArgs } = options;
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new InvalidTypeError(
      `${kind}: refused, its name is ${inspect(name)}; pass a string that is not empty`,
    );
  }
  if (initArgs !== undefined && !Array.isArray(initArgs)) {
    throw new InvalidTypeError(
      `${kind}: refused, initArgs is ${inspect(initArgs, { depth: 0 })}; pass an array of arguments`,
    );
  }
  for (const which of ['initializer', 'finalizer'] as const) {
    const given: unknown = options[which];
    if (given === undefined || typeof given === 'function') continue;
    throw new InvalidTypeError(
      `${kind}: refused, its ${which} is ${inspect(given, { depth: 0 })}; pass a function that its module exports`,
    );
  }
  const { statistics = true } = options;
  if (typeof statistics !== 'boolean') {
    throw new InvalidTypeError(`${kind}: refused, statistics is ${inspect(statistics)}; pass true or false`);
  }
  const title = name === undefined ? kind : `${kind} ${JSON.stringify(name)}`;
  const whole = (what: keyof typeof options, least: number, otherwise: number): number => {
    const given: unknown = options[what];
    return given === undefined ? otherwise : checkWhole(title, what, given, least, MOST);
  };
  const time = (what: keyof typeof options, otherwise: number): number => {
    const given: unknown = options[what];
    return given === undefined ? otherwise : checkTime(title, what, given);
  };
  const { maxMemoryPerChild, timeout } = options;
  const { warm } = options as { warm?: unknown };
  if (warm !== undefined) checkWhole(title, 'warm', warm, 0, MOST_WORKERS);
  if (maxMemoryPerChild !== undefined) checkTime(title, 'maxMemoryPerChild', maxMemoryPerChild, 'bytes');
  return {
    title,
    ...countOf(title, kind === 'Pool' ? 'processes' : 'threads', count),
    initTimeout: time('initTimeout', INIT_TIMEOUT),
    concurrency: whole('concurrency', 1, 1),
    maxQueue: whole('maxQueue', 1, Number.POSITIVE_INFINITY),
    maxTasksPerChild: whole('maxTasksPerChild', 1, 0),
    // No limit: the program itself can't be replaced.
    maxMemoryPerChild: (count === 0 ? undefined : maxMemoryPerChild) ?? Number.POSITIVE_INFINITY,
    isHere: count === 0,
    moves: kind === 'ThreadPool',
    idleTimeout: time('idleTimeout', IDLE_TIMEOUT),
    grace: time('grace', GRACE),
    timeout: timeout === undefined ? undefined : checkTime(title, 'timeout', timeout),
    retries: whole('retries', 0, 0),
    statistics,
  };
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

/** Whether `close` rejects what waits. Throws `InvalidTypeError`. */
export function cancelsQueued(title: string, options: { cancelQueued?: boolean }): boolean {
  checkOptions(`${title}: close`, options, 'close', '{ cancelQueued: true }');
  const { cancelQueued = false } = options;
  if (typeof cancelQueued === 'boolean') return cancelQueued;
  throw new InvalidTypeError(
    `${title}: close: refused, cancelQueued is ${inspect(cancelQueued)}; pass true or false`,
  );
}

export function checkWhole(title: string, what: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') {
    throw new InvalidTypeError(
      `${title}: refused, ${what} is ${inspect(value)}; pass a whole number from ${least} on`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OutOfRangeError(
      `${title}: refused, ${what} is ${value}; pass a whole number from ${least} to ${most}`,
    );
  }
  return value;
}

function checkTime(title: string, what: string, value: unknown, unit = 'milliseconds'): number {
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new InvalidTypeError(`${title}: refused, ${what} is ${inspect(value)}; pass a number of ${unit}`);
  }
  if (value < 0) {
    throw new OutOfRangeError(`${title}: refused, ${what} is ${value}; pass a number of ${unit} from 0 on`);
  }
  return value;
}

function countOf(title: string, what: string, count: unknown): { min: number; max: number } {
  if (count === undefined) return { min: cpuCount(), max: cpuCount() };
  if (typeof count === 'object' && count !== null) {
    const { min, max } = count as { min?: unknown; max?: unknown };
    const most = checkWhole(title, `${what}.max`, max, 1, MOST_WORKERS);
    return { min: checkWhole(title, `${what}.min`, min, 0, most), max: most };
  }
  const whole = checkWhole(title, what, count, 0, MOST_WORKERS);
  const workers = Math.max(whole, 1);
  return { min: workers, max: workers };
}
