/** Broadcast: one call of a function in every worker of a pool. */

import { InvalidTypeError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import type { Calls } from './calls.ts';
import { LEFT_OUT } from './keyed-tasks.ts';
import type { PoolCore } from './pool-core.ts';
import type { BroadcastOptions, TaskOptions } from './task-options.ts';

/** Resolves to the results, by worker. Rejects with the first error when all calls have ended. */
export async function broadcast(
  core: PoolCore,
  calls: Calls,
  fn: unknown,
  args: unknown,
  options: BroadcastOptions = {},
): Promise<unknown[]> {
  const title = `${core.title}: broadcast`;
  checkOptions(title, options, 'broadcast', '{ settled: true }');
  const { settled = false, ...others } = options;
  if (typeof settled !== 'boolean')
    throw new InvalidTypeError(`${title}: refused, settled is ${String(settled)}; pass true or false`);
  // A call that runs again would run in a worker that the pool did not have.
  const taskOptions: TaskOptions = { ...others, retries: 0 };
  // Check what was passed, even if the pool has no worker.
  let task = calls.newTask(fn, args, taskOptions);
  const workers = core.settings.isHere ? [undefined] : core.engine.handOut.keyedTasks().workers;
  const running = workers.map((member, index) => {
    if (index > 0) task = calls.newTask(fn, args, taskOptions);
    return calls.started(task, taskOptions, member);
  });
  const outcomes = (await Promise.allSettled(running)).filter(
    (outcome) => outcome.status === 'fulfilled' || outcome.reason !== LEFT_OUT,
  );
  if (settled) return outcomes;
  const results: unknown[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason;
    results.push(outcome.value);
  }
  return results;
}
