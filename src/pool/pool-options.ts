/** Pool options: the options of both kinds of pools. */

import type { TaskContext } from './context.ts';

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
