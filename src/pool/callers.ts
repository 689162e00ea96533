/** Callers: where the program called the pool, for the stacks of errors. */

import type { Origin } from '../stacks.ts';
import { noteOrigin, originOf, withOrigin, withoutOwnFrames } from '../stacks.ts';
import type { PoolTask } from './pool-task.ts';

/**
 * Number of calls whose origin is always recorded. Later it is recorded only for longer tasks.
 */
const FIRST_CALLS = 256;
/** Mean microseconds of a task above which recording the origin costs little. */
const LONG_TASK = 100;

export class Callers {
  private calls = 0;

  /**
   * The origin of the present call, unless recording it would cost more than the task.
   *
   * @param mean mean microseconds of a task
   */
  origin(mean: number): Origin | undefined {
    if (this.calls >= FIRST_CALLS && mean < LONG_TASK) return undefined;
    this.calls++;
    return noteOrigin();
  }
}

/** The error of a task, with the frames of its call. */
export function ofCaller({ origin }: PoolTask, error: unknown, isOfWorker: boolean): unknown {
  return isOfWorker ? withCaller(error, origin) : withOrigin(error, origin);
}

/** The error with the program's frames in the worker, and behind them those of its call. */
export function withCaller(error: unknown, origin: Origin | undefined): unknown {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return error;
  const stack = withoutOwnFrames(error.stack);
  const frames = origin === undefined ? '' : originOf(origin);
  const isKnown = frames === '' || stack.includes(frames);
  if (isKnown && stack === error.stack) return error;
  Object.defineProperty(error, 'stack', {
    value: isKnown ? stack : `${stack}\n    -- in a worker, called --\n${frames}`,
    writable: true,
    enumerable: false,
    configurable: true,
  });
  return error;
}
