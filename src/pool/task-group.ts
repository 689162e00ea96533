/** Task group: tasks of a pool that belong together. The first error cancels the others. */

import { onAbort } from '../aborts.ts';
import { ClosedError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import type { CallRest, PoolTarget } from './pool-target.ts';
import type { Task } from './task.ts';
import type { TaskOptions } from './task-options.ts';

/** The options of a group. */
export interface GroupOptions {
  /** Cancels all tasks of the group when it aborts. */
  signal?: AbortSignal | undefined;
}

/**
 * Tasks of a pool that belong together: when one of them fails, the others are cancelled. The end
 * of the group's scope cancels the tasks that have not ended, and waits for their end.
 */
export interface TaskGroup extends AsyncDisposable {
  /** The number of its tasks. */
  readonly size: number;
  /**
   * As `pool.submit`, as a task of this group. Throws `ClosedError` after an error of the group,
   * and after `cancel`.
   */
  submit<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args>
  ): Task<Awaited<Result>>;
  /**
   * Waits until all tasks of the group have ended. Rejects with the first error of a task, or with
   * the reason of `cancel` or of the signal.
   */
  done(): Promise<void>;
  /** Cancels all tasks that have not ended. Default reason: `ClosedError`. */
  cancel(reason?: unknown): void;
}

type Submit = (fn: unknown, args: unknown, options: TaskOptions | undefined) => Task<unknown>;

export class PoolTaskGroup implements TaskGroup {
  private readonly title: string;
  private readonly submitTask: Submit;
  private readonly tasks: Task<unknown>[] = [];
  /** The first error, or the reason of the cancel. */
  private failure: { error: unknown } | undefined;
  private ignoreAbort: (() => void) | undefined;

  constructor(title: string, submit: Submit, { signal }: GroupOptions = {}) {
    this.title = title;
    this.submitTask = submit;
    signal?.throwIfAborted();
    if (signal !== undefined) this.ignoreAbort = onAbort(signal, () => this.cancel(signal.reason));
  }

  /** One line on its state. */
  toString(): string {
    return `<TaskGroup of ${this.title}: ${this.size} tasks>`;
  }

  get size(): number {
    return this.tasks.length;
  }

  submit<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...[args, options]: CallRest<Args>
  ): Task<Awaited<Result>> {
    if (this.failure !== undefined) {
      throw new ClosedError(
        `${this.title}: refused, the group was cancelled or one of its tasks has failed; make another group`,
        { cause: this.failure.error },
      );
    }
    const task = this.submitTask(fn, args, options);
    this.tasks.push(task);
    task.then(undefined, (error: unknown) => this.cancel(error));
    return task as Task<Awaited<Result>>;
  }

  async done(): Promise<void> {
    // Tasks may be added meanwhile.
    for (let index = 0; index < this.tasks.length; index++) {
      const task = this.tasks[index]!;
      await task.then(undefined, () => {});
      await task.ended;
    }
    this.ignoreAbort?.();
    if (this.failure !== undefined) throw this.failure.error;
  }

  cancel(reason?: unknown): void {
    if (this.failure !== undefined) return;
    const error =
      reason ??
      new ClosedError(`${this.title}: cancelled, cancel() of its group was called; no action is needed`);
    this.failure = { error };
    for (const task of this.tasks) task.cancel(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const task of this.tasks) task.cancel();
    await this.done().catch(() => {});
  }
}

showAsText(PoolTaskGroup);
