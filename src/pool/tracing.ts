/**
 * Tracing: the messages of a pool on `node:diagnostics_channel`, for monitors.
 *
 *   tracing:lockstep.pool.call:start, end, asyncStart, asyncEnd, error   a call      CallMessage
 *   lockstep.pool.worker.start   a worker is ready                                 WorkerMessage
 *   lockstep.pool.worker.end     a worker has ended                             WorkerEndMessage
 *
 * The channels of a call are those of Node's `TracingChannel`, with their meaning: `start` and
 * `end` stand before and after its submission, and the others at its outcome. The workers take
 * their tasks themselves, so the pool learns only with the result when one has begun.
 *
 * Without a subscriber nothing is made.
 */

import type { Channel, TracingChannel } from 'node:diagnostics_channel';
import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { PoolTask } from './pool-task.ts';
import { rejectBy } from './pool-task.ts';

/** A call. The same object is published each time, and gets more fields. */
export interface CallMessage {
  readonly pool: string;
  /** `apply` stands for all calls of a single function. */
  readonly method: string;
  readonly function: string;
  result?: unknown;
  error?: unknown;
  /** Of a call that ran: its worker, and milliseconds as in the statistics. */
  worker?: number;
  waitTime?: number;
  runTime?: number;
  /** Of a call with items: how many have ended, and how many of these have failed. */
  done?: number;
  failed?: number;
}

/** `undefined`: the results were given one by one. */
export type CallOutcome = Pick<CallMessage, 'result' | 'error'> | undefined;

export interface WorkerMessage {
  readonly pool: string;
  /** Process id, or thread id. */
  readonly worker: number;
  /** Milliseconds from its start until it was ready. */
  readonly startTime: number;
}

export interface WorkerEndMessage {
  readonly pool: string;
  readonly worker: number;
  readonly exitCode: number | null;
  /**
   * `recycled`: after its tasks, or for its memory; `stopped`: with its pool, or as it was idle.
   * The others are those of `PoolStats.causes`.
   */
  readonly cause: 'exit' | 'signal' | 'outOfMemory' | 'grace' | 'recycled' | 'stopped';
  /** Tasks that it has run. */
  readonly tasks: number;
}

type Calls = TracingChannel<unknown, CallMessage> & { readonly hasSubscribers: boolean };

let calls: Calls | undefined;

/** A call that monitors follow. */
export class CallTrace {
  readonly message: CallMessage;

  private constructor(message: CallMessage) {
    this.message = message;
  }

  /** `undefined` if no monitor listens. */
  static of(pool: string, method: string, fn: string): CallTrace | undefined {
    calls ??= tracingChannel('lockstep.pool.call') as Calls;
    return calls.hasSubscribers ? new CallTrace({ pool, method, function: fn }) : undefined;
  }

  /** Makes a call that has its outcome at once. */
  now(call: () => unknown): unknown {
    let outcome: Pick<CallMessage, 'result' | 'error'> = {};
    this.begin(() => {
      try {
        outcome = { result: call() };
      } catch (error) {
        outcome = { error };
      }
    });
    this.ended(outcome, () => {});
    if ('error' in outcome) throw outcome.error;
    return outcome.result;
  }

  /** Publishes what becomes of the task, which `begin` submits. */
  follow(task: PoolTask, begin: () => void): void {
    const { resolve, reject } = task;
    task.needMore().trace = this.message;
    task.resolve = (value) => this.ended({ result: value }, () => resolve!(value));
    task.reject = (error, isOfWorker) =>
      this.ended({ error }, () => rejectBy(resolve!, reject, error, isOfWorker));
    try {
      this.begin(begin);
    } catch (error) {
      task.reject = reject;
      throw error;
    }
  }

  /** Submits the call by `submit`, within the stores that monitors have bound to `start`. */
  begin(submit: () => void): void {
    const { message } = this;
    try {
      calls!.start.runStores(message, submit);
    } catch (error) {
      message.error = error;
      calls!.error.publish(message);
      throw error;
    } finally {
      calls!.end.publish(message);
    }
  }

  /** The call has its outcome; `settle` passes it on. */
  ended(outcome: Partial<CallMessage>, settle: () => void): void {
    const message = Object.assign(this.message, outcome);
    if ('error' in outcome) calls!.error.publish(message);
    calls!.asyncStart.publish(message);
    settle();
    calls!.asyncEnd.publish(message);
  }
}

let workers: { readonly start: Channel; readonly end: Channel } | undefined;

/** Reports the start or end of a worker, if a monitor listens. */
export function tellOfWorker(what: 'start' | 'end', message: () => WorkerMessage | WorkerEndMessage): void {
  workers ??= { start: channel('lockstep.pool.worker.start'), end: channel('lockstep.pool.worker.end') };
  if (workers[what].hasSubscribers) workers[what].publish(message());
}
