/** Streams: calls of generators, whose values are read one by one. */

import { checkOptions } from '../options.ts';
import type { Calls } from './calls.ts';
import { MOST_AHEAD } from './credits.ts';
import { MODE } from './messages.ts';
import { checkWhole } from './option-checks.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolState } from './pool-state.ts';
import { ResultStream } from './results.ts';
import { StreamRun } from './stream-run.ts';
import type { GeneratorOptions, TaskOptions } from './task-options.ts';

const AHEAD = 64;

/** See `AbstractPool.stream`. */
export function stream(
  core: PoolCore,
  state: PoolState,
  calls: Calls,
  fn: unknown,
  args: unknown,
  options: GeneratorOptions = {},
): ResultStream {
  const title = `${core.title}: stream`;
  checkOptions(title, options, 'stream', '{ ahead: 10 }');
  const { ahead = AHEAD, signal, ...others } = options;
  checkWhole(title, 'ahead', ahead, 1, MOST_AHEAD);
  const taskOptions: TaskOptions = { ...others, retries: 0 };
  const task = calls.newTask(fn, args, { ...taskOptions, signal }, MODE.CALL | MODE.STREAM);
  signal?.throwIfAborted();
  // Values that were given once can't be taken back, so the task is not run again.
  const results = new ResultStream(title, true, ahead, () => 1);
  const run = new StreamRun(core.control, task, results, ahead);
  calls.begin(task, taskOptions);
  state.follow(run, 'stream', task.fn);
  results.start(run, signal);
  return results;
}
