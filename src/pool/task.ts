/** Task: the handle of a task that was submitted. */

import { ClosedError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import type { PoolTask } from './pool-task.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp, killTask } from './task-control.ts';

/** The state of a task. `aborting`: it was cancelled, but still runs. */
export type TaskStatus = 'queued' | 'running' | 'aborting' | 'done' | 'failed' | 'cancelled';

/**
 * A submitted task. `await` it to get its result. The error of a task that no code awaits is an
 * unhandled rejection, as that of an `apply`. Only the error of a task that was ended by its own
 * `cancel` or `kill` is none.
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

  /** @param begin hands the task over */
  constructor(task: PoolTask, host: ControlHost, begin: () => void) {
    this.task = task;
    this.host = host;
    // Add no handler to the promise, because then a forgotten error would go unnoticed.
    this.promise = new Promise((resolve, reject) => {
      task.resolve = (value) => {
        this.outcome = 'done';
        resolve(value as Result);
      };
      task.reject = (error) => {
        this.outcome = 'failed';
        reject(error);
      };
      try {
        begin();
      } catch (error) {
        task.resolve = undefined;
        task.reject(error);
      }
    });
  }

  /** One line on its state. */
  toString(): string {
    return `<Task ${this.task.fn.name} ${this.status}>`;
  }

  get status(): TaskStatus {
    const { task, host } = this;
    if (this.given) return task.slot >= 0 ? 'aborting' : 'cancelled';
    if (this.outcome !== undefined) return this.outcome;
    return host.engine.handOut.slots.runnerOf(task) === 0 ? 'queued' : 'running';
  }

  get pid(): number | null {
    return this.host.members[this.host.engine.handOut.slots.runnerOf(this.task)]?.id ?? null;
  }

  cancel(reason?: unknown): boolean {
    const { host, task } = this;
    const given = giveUp(host, task, () => reason ?? cancelled(host.title, task.fn.name, 'cancel'));
    if (given) this.wasGivenUp();
    return given;
  }

  kill(): void {
    const { title } = this.host;
    if (giveUp(this.host, this.task, () => cancelled(title, this.task.fn.name, 'kill'))) this.wasGivenUp();
    killTask(this.host, this.task);
  }

  private wasGivenUp(): void {
    this.given = true;
    // The program has caused this error itself, so report no unhandled rejection.
    this.promise.catch(() => {});
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
