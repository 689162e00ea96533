/**
 * Context: how the context of a call, such as the id of its request, gets to the worker. The
 * program's `capture` runs at each call, and what it returns travels with the task. In the worker
 * its `restore` runs the function (restoring.ts).
 */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { referenceToTarget } from '../workers/target.ts';
import type { FunctionList, PoolFunction } from './function-list.ts';
import type { TaskMessage } from './messages.ts';
import { MODE } from './messages.ts';
import type { CarriedContext, PoolTask } from './pool-task.ts';
import { Sealed } from './sealed.ts';

/** How the context of a call gets to the worker. */
export interface TaskContext {
  /**
   * Runs in this thread at each call, in the context of its caller. Its result is sent along.
   * A call for many items has one context.
   */
  capture: () => unknown;
  /**
   * An exported function. It runs in the worker: it restores the context from the value, calls
   * `run`, which runs the task's function (for each item of a map), and returns what `run` returns.
   */
  restore: (value: never, run: () => unknown) => unknown;
}

/** Throws `InvalidTypeError`, `TargetError`. */
export function checkContext(context: TaskContext | undefined, title: string): void {
  if (context === undefined) return;
  const what = `${title}: context`;
  checkOptions(what, context, 'context', '{ capture, restore }');
  for (const name of ['capture', 'restore'] as const) {
    if (typeof context[name] === 'function') continue;
    throw new InvalidTypeError(
      `${what}: refused, its ${name} is ${inspect(context[name], { depth: 0 })}; pass a function`,
    );
  }
  referenceToTarget(context.restore, `${what}: restore`, false);
}

/** The context of one call. */
export class CapturedContext implements CarriedContext {
  private readonly sealed: Sealed;
  private readonly restore: number | string;

  constructor(sealed: Sealed, restore: number | string) {
    this.sealed = sealed;
    this.restore = restore;
  }

  /** Gives it to the task, which keeps it. */
  addTo(task: PoolTask): void {
    task.needMore().context = this;
    task.mode |= MODE.CONTEXT;
  }

  within([ticket, fn, mode, payload]: TaskMessage): TaskMessage {
    return [ticket, fn, mode, payload, this.sealed.payload, this.restore];
  }

  /** No task of the call will be handed out again. */
  readonly letGo = (): void => this.sealed.letGo();
}

/** The hooks of a pool. */
export class ContextHooks {
  readonly capture: () => unknown;
  readonly restore: PoolFunction;
  private readonly title: string;

  constructor({ capture, restore }: TaskContext, functions: FunctionList, title: string) {
    this.capture = capture;
    this.restore = functions.find(restore, title);
    this.title = title;
  }

  /**
   * The context at hand, for a call of `fn`. Throws the errors of `capture`, `NotSendableError`.
   */
  take(fn: PoolFunction): CapturedContext {
    return new CapturedContext(
      new Sealed(this.capture(), `${this.title}: ${fn.name}: its context:`),
      this.restore.key,
    );
  }
}
