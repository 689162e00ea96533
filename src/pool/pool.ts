/** Pool: functions run by processes that are kept for it. */

import { showAsText } from '../readable.ts';
import { Process } from '../workers/process/process.ts';
import { SpareKeeper } from '../workers/process/spares.ts';
import { AbstractPool } from './abstract-pool.ts';
import type { CommonPoolOptions, WorkerCount } from './pool-options.ts';

/** Options of a Pool. */
export interface PoolOptions<State = unknown, InitArgs extends readonly unknown[] = readonly unknown[]>
  extends CommonPoolOptions<State, InitArgs> {
  /**
   * How many processes; default `cpuCount()`. 0: none. Tasks run in this thread, step by step in a
   * debugger, with their arguments and results copied as for a process. Then only tasks that await
   * can be given up.
   */
  processes?: WorkerCount | undefined;
  /**
   * How many spare processes are kept for replacements, each of about 40 MB. Default 1. A spare
   * becomes a worker within milliseconds.
   */
  warm?: number | undefined;
}

/**
 * Processes that run functions: `apply` one call, `map` one call for each item.
 *
 * The worker finds a function by its module and its export; TypeScript takes the types from the
 * function. Arguments and results can be any values that structured clone copies, with shared
 * objects nested anywhere.
 *
 * *If a worker dies*, exactly the tasks that it ran reject, with `WorkerDiedError`; it is replaced,
 * and all others continue. An idle pool does not keep the program running; pending calls do.
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
   * Throws `InvalidTypeError`, `OutOfRangeError`, and the errors of starting a process.
   *
   * @param options or the number of processes alone, as `new Pool(4)`
   */
  constructor(options: PoolOptions<State, InitArgs> | number = {}) {
    const all = typeof options === 'number' ? { processes: options } : options;
    const spares = { keeper: new SpareKeeper('a spare worker', [], 'pool-worker'), count: all?.warm ?? 1 };
    super('Pool', all, all?.processes, (order) => new Process(order), spares);
  }
}

showAsText(Pool);
