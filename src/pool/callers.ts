/** Callers: where the program called the pool, for the stacks of errors. */

import type { Origin } from '../stacks.ts';
import { noteOrigin, withCaller, withOrigin } from '../stacks.ts';
import type { PoolFunction } from './function-list.ts';
import type { PoolTask } from './pool-task.ts';

/**
 * Number of calls whose origin is always recorded. Later it is recorded only for longer tasks.
 */
const FIRST_CALLS = 256;
/** Mean microseconds of a task above which recording the origin costs little. */
const LONG_TASK = 100;
/** Of the calls with shorter tasks, one in so many is recorded: it stands for the others. */
const SAMPLE = 256;

export class Callers {
  private calls = 0;

  /**
   * The origin of the present call, unless recording it would cost more than the task.
   *
   * @param mean mean microseconds of a task
   */
  origin(fn: PoolFunction, mean: number): Origin | undefined {
    const count = this.calls++;
    const isCheap = count < FIRST_CALLS || mean >= LONG_TASK;
    if (!isCheap && fn.called !== undefined && count % SAMPLE !== 0) return undefined;
    fn.called = noteOrigin();
    return fn.called;
  }
}

/** The error of a task, with the frames of its call, or of an earlier call of its function. */
export function ofCaller<Reason>(task: PoolTask, error: Reason, isOfWorker: boolean): Reason {
  const { origin, fn } = task;
  if (!isOfWorker) return withOrigin(error, origin ?? fn.called, noteOf(task));
  const between = origin === undefined ? `in a worker; ${noteOf(task)}` : 'in a worker, called';
  return withCaller(error, origin ?? fn.called, between);
}

/** Says that the frames are not those of the task's own call, if they are not. */
function noteOf({ origin, fn }: PoolTask): string | undefined {
  return origin === undefined
    ? `an earlier call of ${fn.name}; of such short ones few are recorded`
    : undefined;
}
