/** Calls: single calls of a function, from the arguments to the outcome. */

import { AsyncResource } from 'node:async_hooks';
import { inspect } from 'node:util';
import { now } from '#park';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { InvalidTypeError, QueueFullError, TimedOutError } from '../errors.ts';
import type { Origin } from '../stacks.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import { Callers } from './callers.ts';
import type { Movable } from './current-task.ts';
import { inTime } from './in-time.ts';
import { callHere } from './local-worker.ts';
import type { Member } from './member.ts';
import { MODE } from './messages.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolState } from './pool-state.ts';
import { PoolTask } from './pool-task.ts';
import { watchTask } from './task-control.ts';
import type { TaskOptions } from './task-options.ts';
import { checkTaskOptions } from './task-options.ts';
import { CallTrace } from './tracing.ts';
import { Cargo } from './transfers.ts';

const NO_ARGUMENTS: readonly unknown[] = [];

export class Calls {
  private readonly core: PoolCore;
  private readonly state: PoolState;
  private readonly callers = new Callers();
  private readonly roomWaits = new Set<() => void>();

  constructor(core: PoolCore, state: PoolState) {
    this.core = core;
    this.state = state;
  }

  /** Makes a task. Throws the errors of wrong arguments, `ClosedError`, `PoolBrokenError`. */
  newTask(fn: unknown, args: unknown, options: TaskOptions | undefined, mode: number = MODE.CALL): PoolTask {
    const { title, functions, engine } = this.core;
    if (args !== undefined && !Array.isArray(args)) {
      throw new InvalidTypeError(
        `${title}: refused, the arguments are ${inspect(args, { depth: 0 })}; pass an array: apply(fn, [argument])`,
      );
    }
    if (options !== undefined) checkTaskOptions(title, options);
    if (options?.transfer !== undefined && !this.core.settings.moves) {
      throw new InvalidTypeError(
        `${title}: refused, memory can't be transferred to another process; share it as a SharedArray, or use a ThreadPool`,
      );
    }
    this.state.checkUsable();
    const found = functions.find(fn, title);
    const origin = this.callers.origin(found, engine.handOut.mean);
    return new PoolTask(found, mode, args ?? NO_ARGUMENTS, now(), options?.priority ?? 0, origin);
  }

  /**
   * Hands a task over; resolves to its outcome.
   *
   * @param member the only worker that may run it
   */
  started(task: PoolTask, options: TaskOptions | undefined, member?: Member): Promise<unknown> {
    // Keep only one of the promise's two functions, because a million calls may wait.
    return new Promise((resolve) => {
      task.resolve = resolve;
      this.begin(task, options, member);
    });
  }

  /** See `AbstractPool.applySync`. */
  applySync(fn: unknown, args: readonly unknown[] | undefined, options: TaskOptions | undefined): unknown {
    const { settings, title } = this.core;
    const task = this.newTask(fn, args, options);
    if (!settings.isHere) return this.outcomeOf(task, options);
    const trace = CallTrace.of(title, 'apply', task.fn.name);
    const call = (): unknown => this.callNow(fn, args, options);
    return trace === undefined ? call() : trace.now(call);
  }

  /** Hands a task over, and *blocks* until it has its outcome. */
  private outcomeOf(task: PoolTask, options: TaskOptions | undefined): unknown {
    const { engine } = this.core;
    let outcome: { ok: boolean; value: unknown } | undefined;
    task.resolve = (value) => {
      outcome = { ok: true, value };
    };
    task.reject = (value) => {
      outcome = { ok: false, value };
    };
    this.begin(task, options);
    const over = (): boolean => outcome !== undefined;
    engine.reading.block(over, Deadline.NEVER);
    const { ok, value } = outcome!;
    if (!ok) throw value;
    return value;
  }

  /** Runs the function in this thread, immediately. */
  callNow(fn: unknown, args: readonly unknown[] = NO_ARGUMENTS, options?: TaskOptions): unknown {
    const { statistics, title, context } = this.core;
    options?.signal?.throwIfAborted();
    try {
      const transfer = options?.transfer;
      const moved = transfer === undefined ? undefined : new Cargo(args, transfer, `${title}:`);
      const result = callHere(fn, moved?.open() ?? args, title, context);
      moved?.letGo();
      statistics.done++;
      return result;
    } catch (error) {
      statistics.failed++;
      throw error;
    }
  }

  /** See `AbstractPool.room`. */
  async room(options?: WaitOptions): Promise<void> {
    const deadline = Deadline.begin(options);
    const { engine, settings, title } = this.core;
    let origin: Origin | undefined;
    while (this.state.isUsable && engine.handOut.waiting >= settings.maxQueue) {
      origin ??= noteOrigin();
      let wake: () => void = () => {};
      const moved = new Promise<void>((resolve) => {
        wake = resolve;
      });
      this.roomWaits.add(wake);
      try {
        if (!(await inTime(moved, deadline))) {
          const error = new TimedOutError(
            `${title}: no room within the timeout; wait longer, or shed the load`,
          );
          throw withOrigin(error, origin);
        }
      } finally {
        this.roomWaits.delete(wake);
      }
    }
    this.state.checkUsable(origin);
  }

  /** Tasks have left the heap. */
  moved(): void {
    for (const wake of [...this.roomWaits]) wake();
  }

  /** Hands a task over, and applies its options. Throws the errors of a refusal. */
  begin(task: PoolTask, options: TaskOptions | undefined, member?: Member): void {
    const method = (task.mode & MODE.STREAM) === 0 ? 'apply' : 'stream';
    const trace = CallTrace.of(this.core.title, method, task.fn.name);
    if (trace === undefined) this.handOver(task, options, member);
    else trace.follow(task, () => this.handOver(task, options, member));
  }

  private handOver(task: PoolTask, options: TaskOptions | undefined, member?: Member): void {
    const { settings, engine, control, context } = this.core;
    const { signal, queueTimeout, onReport } = options ?? {};
    const timeout = options?.timeout ?? settings.timeout;
    const transfer = options?.transfer;
    const retries = transfer === undefined ? (options?.retries ?? settings.retries) : 0;
    // Check everything before the task is handed over.
    signal?.throwIfAborted();
    if (member === undefined && engine.handOut.waiting >= settings.maxQueue) throw this.fullError();
    if (retries > 0) task.needMore().retries = retries;
    if (onReport !== undefined) task.needMore().onReport = AsyncResource.bind(onReport);
    if (context !== undefined) {
      const captured = context.take(task.fn);
      captured.addTo(task);
      task.needMore().ended.push(captured.letGo);
    }
    if (transfer !== undefined) this.load(task, transfer);
    // Hand it over, and only then watch its signal and times.
    // With one worker in this thread, all tasks run in it in their order.
    try {
      if (member !== undefined) engine.submitKeyed(task, Symbol(), member);
      else if (options?.key === undefined || settings.isHere) engine.submit(task);
      else engine.submitKeyed(task, options.key);
    } catch (error) {
      for (const letGo of task.more?.ended ?? []) letGo();
      throw error;
    }
    if (signal !== undefined || timeout !== undefined || queueTimeout !== undefined)
      watchTask(control, task, signal, timeout, queueTimeout);
  }

  /** Moves the buffers out of the program's hands. Throws `NotSendableError`. */
  private load(task: PoolTask, transfer: readonly Movable[]): void {
    const more = task.needMore();
    more.cargo = new Cargo(task.payload as unknown[], transfer, `${this.core.title}: ${task.fn.name}:`);
    more.ended.push(more.cargo.letGo);
    task.payload = NO_ARGUMENTS;
    task.mode |= MODE.MOVED;
  }

  private fullError(): QueueFullError {
    const { title, settings, engine } = this.core;
    return new QueueFullError(
      `${title}: refused, ${engine.handOut.waiting} tasks wait, and its maxQueue is ${settings.maxQueue}; await room() before, or shed the load`,
    );
  }
}
