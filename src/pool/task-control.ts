/**
 * Task control: how a task is given up, by its signal, its time, its handle or its pool.
 *
 *   in the heap       taken out
 *   handed out        withdrawn by a compare-and-swap of its state
 *   running           asked to stop: by a bit that a loop can read, and the signal of
 *                     `currentTask()`. The call rejects immediately. Its worker is busy until the
 *                     task ends, or is killed after the grace.
 */

import { commonTime } from '#park';
import { onAbort } from '../aborts.ts';
import { TaskTimeoutError } from '../errors.ts';
import type { Alarms } from './alarms.ts';
import { ofCaller } from './callers.ts';
import type { Engine } from './engine.ts';
import type { Member } from './member.ts';
import type { PoolTask } from './pool-task.ts';

/** The longest delay of a timer. */
const LONGEST = 0x7fffffff;

export interface ControlHost {
  readonly title: string;
  readonly engine: Engine;
  readonly alarms: Alarms;
  readonly members: readonly (Member | undefined)[];
  readonly grace: number;
  /** Tasks that can run at a time. */
  readonly width: number;
}

/** Makes sure that the task ends with its signal and its times. */
export function watchTask(
  host: ControlHost,
  task: PoolTask,
  signal: AbortSignal | undefined,
  timeout: number | undefined,
  queueTimeout: number | undefined,
): void {
  const more = task.needMore();
  if (signal !== undefined) more.ignoreAbort = onAbort(signal, () => giveUp(host, task, () => signal.reason));
  if (timeout !== undefined && timeout <= LONGEST) {
    more.timeout = timeout;
    more.timer = host.alarms.set(timeout, () => lookAtTime(host, task, timeout));
  }
  if (queueTimeout !== undefined && queueTimeout <= LONGEST) {
    more.queueTimeout = queueTimeout;
    more.queueTimer = host.alarms.set(queueTimeout, () => lookAtQueue(host, task, queueTimeout));
  }
}

/**
 * Gives the task up; `false`: it has ended before.
 *
 * @param isOver whether its call has its outcome now; otherwise it waits for that of the function
 */
export function giveUp(host: ControlHost, task: PoolTask, reason: () => unknown, isOver = true): boolean {
  const { engine } = host;
  if (task.resolve === undefined) return false;
  // Withdraw it if no worker has begun it.
  if (engine.handOut.withdraw(task)) {
    engine.settling.cancelled(task, reason());
    return true;
  }
  // The task runs, or has just ended: read the results.
  engine.reading.drain(Number.POSITIVE_INFINITY);
  if (task.resolve === undefined) return false;
  // Ask it to stop, and wake its worker.
  engine.handOut.table.abort(task.slot, engine.handOut.slots.generationOf(task.slot));
  host.members[engine.handOut.slots.runnerOf(task)]?.wake();
  // Reject the call at once; the worker gets its grace.
  if (isOver) engine.settling.cancelled(task, reason());
  endAfterGrace(host, task);
  return true;
}

/** Kills the worker that runs the task. */
export function killTask(host: ControlHost, task: PoolTask): void {
  const { engine } = host;
  // Read the results first: the task may have ended.
  engine.reading.drain(Number.POSITIVE_INFINITY);
  if (task.slot < 0) return;
  const runner = engine.handOut.slots.runnerOf(task);
  // Doom the task: from here on the worker takes no other.
  if (runner === 0 || !engine.handOut.table.doom(task.slot, engine.handOut.slots.generationOf(task.slot)))
    return;
  host.members[runner]?.kill();
}

function lookAtQueue(host: ControlHost, task: PoolTask, queueTimeout: number): void {
  const { engine } = host;
  if (engine.handOut.slots.runnerOf(task) !== 0) return;
  engine.reading.drain(Number.POSITIVE_INFINITY);
  if (task.resolve === undefined || !engine.handOut.withdraw(task)) return;
  engine.settling.settle(task, false, waitedTooLong(host, task, queueTimeout));
}

function endAfterGrace(host: ControlHost, task: PoolTask): void {
  const { grace } = host;
  if (grace > LONGEST) return;
  if (grace === 0) killTask(host, task);
  else task.needMore().timer = host.alarms.set(grace, () => killTask(host, task));
}

/** Gives the task up if it has run too long. Only shared memory shows when it began. */
function lookAtTime(host: ControlHost, task: PoolTask, timeout: number): void {
  const { engine } = host;
  if (task.resolve === undefined) return;
  // Find out how long it has run.
  const started = engine.handOut.slots.runnerOf(task) === 0 ? 0 : engine.handOut.table.started(task.slot);
  const ran = started === 0 ? 0 : (commonTime() - started) & 0x7fffffff;
  // Look again when its time is over.
  if (ran < timeout) {
    const more = task.needMore();
    host.alarms.clear(more.timer);
    more.timer = host.alarms.set(timeout - ran, () => lookAtTime(host, task, timeout));
    return;
  }
  giveUp(host, task, () => ranTooLong(host, task, timeout));
}

function ranTooLong({ title }: ControlHost, task: PoolTask, timeout: number): unknown {
  const error = new TaskTimeoutError(
    `${title}: ${task.fn.name}: given up, it has run for its timeout of ${timeout} ms; give it longer, or let it ask currentTask() and stop`,
    timeout,
  );
  return ofCaller(task, error, false);
}

function waitedTooLong({ title }: ControlHost, { fn }: PoolTask, limit: number): TaskTimeoutError {
  return new TaskTimeoutError(
    `${title}: ${fn.name}: withdrawn, no worker was free within its queueTimeout of ${limit} ms; wait longer, or use more workers`,
    limit,
  );
}
