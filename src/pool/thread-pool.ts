/** ThreadPool: functions run by threads that are kept for it. */

import { InvalidTypeError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import { Thread } from '../workers/thread/thread.ts';
import { AbstractPool } from './abstract-pool.ts';
import type { CommonPoolOptions, WithInitArgs, WorkerCount } from './pool-options.ts';
import type { SharedPoolOptions } from './shared-pool.ts';
import { sharedPool } from './shared-pool.ts';

/** Options of a ThreadPool. */
export interface ThreadPoolOptions<State = unknown, InitArgs extends readonly unknown[] = readonly unknown[]>
  extends CommonPoolOptions<State, InitArgs> {
  /**
   * The number of threads, or `{ min, max }`; default `cpuCount()`. With 0, tasks run in this
   * thread.
   */
  threads?: WorkerCount | undefined;
  /** The same as `threads`, under the name that it has in a Pool. */
  processes?: WorkerCount | undefined;
}

/**
 * The same as Pool, with threads of this process: they start faster and need less memory. But a
 * native crash or a full heap in a thread may end the whole program.
 *
 * @example
 * await using pool = new ThreadPool({ threads: 2 });
 * const pages = await pool.map(render, articles);
 */
export class ThreadPool<State = void, InitArgs extends readonly unknown[] = []> extends AbstractPool<
  State,
  InitArgs
> {
  /**
   * Throws `InvalidTypeError`, `OutOfRangeError`, and the errors of `Thread.start`.
   *
   * @param options or the number of threads alone, as `new ThreadPool(4)`
   */
  constructor(options?: (ThreadPoolOptions<State, InitArgs> & WithInitArgs<InitArgs>) | number) {
    const all: ThreadPoolOptions<State, InitArgs> =
      typeof options === 'number' ? { threads: options } : options === undefined ? {} : options;
    if (all?.threads !== undefined && all.processes !== undefined) {
      throw new InvalidTypeError(
        'ThreadPool: refused, it is given both threads and processes, which mean the same; pass one of them',
      );
    }
    super(
      'ThreadPool',
      all,
      all?.threads === undefined ? all?.processes : all.threads,
      (order) => new Thread(order),
    );
  }

  /** As `Pool.shared`, with threads. Threads of a program do not share it: each has its own. */
  static shared(options?: SharedPoolOptions & Pick<ThreadPoolOptions, 'threads'>): ThreadPool {
    return sharedPool('ThreadPool', 'threads', options, make);
  }
}

const make = (options: object): ThreadPool => new ThreadPool(options);

showAsText(ThreadPool);
