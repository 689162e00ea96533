/** Task: the handle of a task that was submitted. */

import { ClosedError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import type { PoolTask } from './pool-task.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp, killTask } from './task-control.ts';

/** The state of a task. `aborting`: it was cancelled, but still runs. */
export type TaskStatus = 'queued' | 'running' | 'aborting' | 'done' | 'failed' | 'cancelled';

/**
 * A submitted task. `await` it to get its result. The error of a task that no code awaits is not
 * reported; that of an `apply` is an unhandled rejection.
 */
export interface Task<Result> extends PromiseLike<Result> {
  readonly status: TaskStatus;
  /** Process id, or thread id, of the worker that runs it; `null` while none does. */
  readonly pid: number | null;
  /**
   * Cancels the task, as its signal does. Returns `false` if it has ended already. Default reason:
   * `ClosedError`.
   */
  cancel(reason?: unknown): boolean;
  /** Cancels the task, and kills the worker that runs it immediately. */
  kill(): void;
  /** Resolves when the task no longer runs. */
  readonly ended: Promise<void>;
  catch<Other = never>(onRejected?: (reason: unknown) => Other | PromiseLike<Other>): Promise<Result | Other>;
  finally(onSettled?: () => void): Promise<Result>;
}

export class TaskHandle<Result> implements Task<Result> {
  private readonly promise: Promise<Result>;
  private readonly task: PoolTask;
  private readonly host: ControlHost;
  private outcome: 'done' | 'failed' | undefined;
  private given = false;

  constructor(promise: Promise<Result>, task: PoolTask, host: ControlHost) {
    this.promise = promise;
    this.task = task;
    this.host = host;
    promise.then(
      () => {
        this.outcome = 'done';
      },
      () => {
        this.outcome = 'failed';
      },
    );
  }

  /** One line on its state. */
  toString(): string {
    return `<Task ${this.task.fn.name} ${this.status}>`;
  }

  get status(): TaskStatus {
    const { task, host } = this;
    if (this.given) return task.slot >= 0 ? 'aborting' : 'cancelled';
    if (task.resolve === undefined) return this.outcome ?? 'done';
    return host.engine.handOut.slots.runnerOf(task) === 0 ? 'queued' : 'running';
  }

  get pid(): number | null {
    return this.host.members[this.host.engine.handOut.slots.runnerOf(this.task)]?.id ?? null;
  }

  cancel(reason?: unknown): boolean {
    const { host, task } = this;
    const given = giveUp(host, task, () => reason ?? cancelled(host.title, task.fn.name, 'cancel'));
    this.given ||= given;
    return given;
  }

  kill(): void {
    const { title } = this.host;
    this.given =
      giveUp(this.host, this.task, () => cancelled(title, this.task.fn.name, 'kill')) || this.given;
    killTask(this.host, this.task);
  }

  get ended(): Promise<void> {
    const { task } = this;
    if (task.resolve === undefined && task.slot < 0) return Promise.resolve();
    return new Promise((resolve) => void task.needMore().ended.push(resolve));
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaited like a promise
  then<Value = Result, Other = never>(
    onFulfilled?: ((value: Result) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Value | Other> {
    return this.promise.then(onFulfilled, onRejected);
  }

  catch<Other = never>(
    onRejected?: ((reason: unknown) => Other | PromiseLike<Other>) | null,
  ): Promise<Result | Other> {
    return this.promise.catch(onRejected);
  }

  finally(onSettled?: (() => void) | null): Promise<Result> {
    return this.promise.finally(onSettled);
  }
}

function cancelled(title: string, name: string, how: 'cancel' | 'kill'): ClosedError {
  return new ClosedError(
    `${title}: ${name}: cancelled, its task's ${how}() was called; nothing is to be done`,
  );
}

showAsText(TaskHandle);
