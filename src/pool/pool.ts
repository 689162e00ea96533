/** Pool: functions run by processes that are kept for it. */

import { showAsText } from '../readable.ts';
import { Process } from '../workers/process/process.ts';
import { SpareKeeper } from '../workers/process/spares.ts';
import { AbstractPool } from './abstract-pool.ts';
import type { CommonPoolOptions, WithInitArgs, WorkerCount } from './pool-options.ts';
import type { SharedPoolOptions } from './shared-pool.ts';
import { sharedPool } from './shared-pool.ts';

/** Options of a Pool. */
export interface PoolOptions<State = unknown, InitArgs extends readonly unknown[] = readonly unknown[]>
  extends CommonPoolOptions<State, InitArgs> {
  /**
   * The number of processes, or `{ min, max }`; default `cpuCount()`. With 0, tasks run in this
   * thread, so a debugger can step into them. Arguments and results are still copied. Only tasks
   * that await can then be cancelled.
   */
  processes?: WorkerCount | undefined;
  /**
   * The number of spare processes that replace workers within milliseconds, each of about 40 MB.
   * Default 1.
   */
  warm?: number | undefined;
}

/**
 * A number of processes that run functions: `apply` runs a function once, `map` once for each item.
 *
 * A function must be exported: the worker imports its module. Arguments and results can be anything
 * that structured clone copies, and shared objects, even inside other objects.
 *
 * *If a worker dies*, only the tasks that it ran reject, with `WorkerDiedError`. The worker is
 * replaced, and all other tasks go on. The pool then emits `workerDied` with `{ pid, exitCode }`.
 * An idle pool does not keep the program running; pending calls do.
 *
 * @example
 * export function isPrime(n: number): boolean { … }
 * if (isMainProcess) {
 *   await using pool = new Pool();
 *   console.log(await pool.apply(isPrime, [97]), await pool.map(isPrime, [2, 3, 4]));
 * }
 */
export class Pool<State = void, InitArgs extends readonly unknown[] = []> extends AbstractPool<
  State,
  InitArgs
> {
  /**
   * Throws `InvalidTypeError`, `OutOfRangeError`, and the errors of `Process.start`.
   *
   * @param options or the number of processes alone, as `new Pool(4)`
   */
  constructor(options?: (PoolOptions<State, InitArgs> & WithInitArgs<InitArgs>) | number) {
    const all: PoolOptions<State, InitArgs> =
      typeof options === 'number' ? { processes: options } : options === undefined ? {} : options;
    const spares = { keeper: new SpareKeeper('a spare worker', [], 'pool-worker'), count: all?.warm ?? 1 };
    super('Pool', all, all?.processes, (order) => new Process(order), spares);
  }

  /**
   * The pool that all code of this thread shares. The first call makes it, with up to `cpuCount()`
   * processes, which start as they are needed; in a worker of a pool, its tasks run in that worker.
   *
   * It ends with the program: `close`, `terminate` and `join` reject with `StateError`, and the end
   * of an `await using` leaves it open. If it breaks, the next call makes another.
   *
   * @param options for the program that makes the first call. Later calls throw `StateError` if
   *   they pass others
   */
  static shared(options?: SharedPoolOptions & Pick<PoolOptions, 'processes' | 'warm'>): Pool {
    return sharedPool('Pool', 'processes', options, make);
  }
}

const make = (options: object): Pool => new Pool(options);

showAsText(Pool);
