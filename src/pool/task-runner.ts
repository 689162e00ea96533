/**
 * Task runner: how a worker claims a task that it has taken, runs it, puts its result, and finishes
 * it. For the words and their order see task-table.ts.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { commonTime, now } from '#park';
import type { Parcel } from '../codec/parcel.ts';
import { unpack } from '../codec/parcel.ts';
import type { Moving } from '../workers/thread/moving.ts';
import { ChunkWork } from './chunk-work.ts';
import { findCurrentBy, findCurrentNoMoreBy, markOf, RunningTask } from './current-task.ts';
import type { FunctionReader, WorkFunction } from './function-list.ts';
import type { Reply, TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, REPLY } from './messages.ts';
import { Polling } from './polling.ts';
import { Replies } from './replies.ts';
import { within } from './restoring.ts';
import type { SealedPayload } from './sealed.ts';
import { unseal } from './sealed.ts';
import { generationOf, slotOf } from './slot-words.ts';
import { StreamWork } from './stream-work.ts';
import type { TaskTable } from './task-table.ts';
import { isThenable } from './thenable.ts';
import { moveResult } from './transfers.ts';
import type { WorkerOrders } from './worker-orders.ts';

/** Milliseconds of polling for arguments that move here. */
const LONGEST_POLL = 0.1;
/** Bits of modes that are not those of a single call. */
const NOT_A_CALL: number = MODE_MASK | MODE.STREAM | MODE.MOVED | MODE.CONTEXT;

/** The services that the runner needs from its worker. */
export interface RunnerHost {
  /** A task has ended that ran beside others. */
  ended(): void;
  /** Gives the event loop a turn if it has not had one for long; `time` is now. */
  turn(time: number): Promise<void> | undefined;
  /** How memory moves to and from the worker; `undefined`: it is a process. */
  readonly moving: Moving | undefined;
  /** Given where the pool works in this thread: reads the results that were put. */
  readonly makeRoom: (() => void) | undefined;
}

export class TaskRunner {
  /** Number of tasks that were begun. */
  count = 0;
  /** Number of tasks that run beside others. */
  active = 0;
  /** The pool is about to kill this worker, which must take no more tasks. */
  doomed = false;
  readonly replies: Replies;
  private readonly me: number;
  private readonly table: TaskTable;
  private readonly functions: FunctionReader;
  private readonly host: RunnerHost;
  /** Name of the function that runs before any task. */
  private readonly initializer: string;
  private hasEnded = false;
  private current: RunningTask | undefined;
  private currentTicket = -1;
  /** The function of the current task: its number, or its reference as JSON. */
  private currentKey: number | string = -1;
  private readonly running = new Set<RunningTask>();
  private readonly streams = new Set<StreamWork>();
  /** Tasks that wait for their arguments: any bell may bring them. */
  private readonly fetching = new Set<() => void>();
  /** Looks for the arguments of a task that are on their way. */
  private readonly arrival: Polling = new Polling(() => this.host.moving!.read());
  private readonly scope: AsyncLocalStorage<RunningTask> | undefined;
  private readonly finder = (): RunningTask | undefined => this.currentTask();

  /** @param isShared whether several tasks run at a time, or other code of this thread */
  constructor(
    orders: WorkerOrders,
    table: TaskTable,
    functions: FunctionReader,
    isShared: boolean,
    host: RunnerHost,
  ) {
    this.me = orders.index;
    this.initializer = orders.initializer?.export ?? '';
    this.table = table;
    this.functions = functions;
    this.host = host;
    this.replies = new Replies(orders, () => this.nameOfCurrent(), host.makeRoom);
    this.scope = isShared ? new AsyncLocalStorage() : undefined;
    findCurrentBy(this.finder);
  }

  /** The worker ends: tasks that still run have no effect. */
  end(): void {
    this.hasEnded = true;
    this.replies.end();
    for (const stream of this.streams) stream.end();
    findCurrentNoMoreBy(this.finder);
  }

  /** Lets running tasks check whether they were asked to stop. */
  look(): void {
    for (const task of this.running) task.look();
    this.current?.look();
    for (const stream of this.streams) stream.look();
    for (const proceed of this.fetching) proceed();
    this.fetching.clear();
  }

  private currentTask(): RunningTask | undefined {
    if (this.scope !== undefined) return this.scope.getStore();
    if (this.currentTicket < 0) return undefined;
    this.current ??= this.taskOf(this.currentTicket, this.currentKey);
    return this.current;
  }

  private taskOf(ticket: number, key: number | string): RunningTask {
    return new RunningTask(ticket, key, this.table, (from, value) => this.replies.report(from, value));
  }

  /** The name of the function that runs, for messages. */
  private nameOfCurrent(): string {
    const key = this.scope === undefined ? this.currentKey : (this.scope.getStore()?.key ?? -1);
    return key === -1 ? this.initializer : this.functions.nameOf(key);
  }

  /** Runs the task; returns a promise if the next one has to wait for it. */
  begin(message: TaskMessage): Promise<void> | undefined {
    // Claim the task; drop a stale item.
    const ticket = message[0];
    if (!this.table.claim(slotOf(ticket), generationOf(ticket), this.me)) return undefined;
    this.count++;
    this.table.noteStart(slotOf(ticket), commonTime() & 0x7fffffff);
    // With concurrency: run it in a scope of its own, beside the others.
    if (this.scope !== undefined) {
      this.active++;
      const task = this.taskOf(ticket, message[1]);
      this.running.add(task);
      void this.scope
        .run(task, () => this.runLater(message))
        .then(() => {
          this.running.delete(task);
          this.active--;
          this.host.ended();
        });
      return undefined;
    }
    // Without: call the function here, unless it must be loaded first or gets items.
    this.currentTicket = ticket;
    this.currentKey = message[1];
    const fn = this.functions.known(message[1]);
    if (fn === undefined || (message[2] & NOT_A_CALL) !== 0) return this.runLater(message);
    const began = now();
    let result: unknown;
    let isLater: boolean;
    try {
      result = fn(...argumentsIn(message));
      // Reads `then` of the result, which may be a getter that throws.
      isLater = isThenable(result);
    } catch (error) {
      return this.threw(ticket, error, began);
    }
    if (isLater) return this.settleLater(ticket, result as PromiseLike<unknown>, began);
    return this.returned(ticket, result, began, message[2]);
  }

  private async runLater(message: TaskMessage): Promise<void> {
    const [ticket, key, mode] = message;
    let began = now();
    let result: unknown;
    let waited = 0;
    // Load the function on its first use.
    try {
      let fn = this.functions.known(key) ?? (await this.functions.load(key));
      if ((mode & MODE.STREAM) !== 0) {
        const generator = fn;
        fn = async (...args) => {
          waited = await this.stream(ticket, await generator(...args));
        };
      }
      if ((mode & MODE.CONTEXT) !== 0) fn = await this.inContext(fn, message);
      if ((mode & MODE_MASK) !== MODE.CALL) {
        await new ChunkWork(this.table, this.replies, fn, message).run((time) => this.host.turn(time));
        this.finished(ticket);
        return;
      }
      let values: unknown[];
      if ((mode & MODE.MOVED) === 0) values = argumentsIn(message);
      else {
        values = await this.fetch(ticket);
        // Its time begins when it has its arguments.
        began = now();
      }
      result = await fn(...values);
    } catch (error) {
      await this.threw(ticket, error, began);
      return;
    }
    await this.returned(ticket, result, began + waited, mode);
  }

  /** The function, in the context of its call. */
  private async inContext(fn: WorkFunction, message: TaskMessage): Promise<WorkFunction> {
    const { 4: context, 5: restore } = message;
    const found = this.functions.known(restore!) ?? (await this.functions.load(restore!));
    return within(found, unseal(context!), fn);
  }

  /** The arguments of a task that are to move here. */
  private async fetch(ticket: number): Promise<unknown[]> {
    await this.replies.put([REPLY.FETCH, ticket]);
    const moving = this.host.moving!;
    // Poll first: a pool that is awake sends them in less time than a sleep takes.
    if (this.scope === undefined && this.arrival.mayPoll()) this.arrival.poll(LONGEST_POLL);
    for (;;) {
      const cargo = moving.take(ticket);
      if (cargo !== undefined) return unpack(cargo as Parcel) as unknown[];
      await new Promise<void>((resolve) => void this.fetching.add(resolve));
    }
  }

  /** Puts the values of a generator; returns how long it had no credit. */
  private async stream(ticket: number, made: unknown): Promise<number> {
    const work = new StreamWork(this.table, this.replies, ticket);
    this.streams.add(work);
    try {
      await work.run(made, (time) => this.host.turn(time));
    } finally {
      this.streams.delete(work);
    }
    return work.waited;
  }

  private async settleLater(ticket: number, result: PromiseLike<unknown>, began: number): Promise<void> {
    let value: unknown;
    try {
      value = await result;
    } catch (error) {
      await this.threw(ticket, error, began);
      return;
    }
    await this.returned(ticket, value, began, 0);
  }

  private returned(ticket: number, value: unknown, began: number, mode: number): Promise<void> | undefined {
    const kept = (mode & MODE.QUIET) === 0 ? value : undefined;
    const { moving } = this.host;
    if (moving !== undefined && markOf(kept) !== undefined && !this.hasEnded) {
      try {
        if (moveResult(moving, ticket, kept, this.replies.nameOfResult))
          return this.finish(ticket, [REPLY.RETURNED, ticket, undefined, microsecondsSince(began), true]);
      } catch (error) {
        return this.threw(ticket, error, began);
      }
    }
    return this.finish(ticket, [REPLY.RETURNED, ticket, kept, microsecondsSince(began)]);
  }

  private threw(ticket: number, error: unknown, began: number): Promise<void> | undefined {
    return this.finish(ticket, [REPLY.THREW, ticket, error, microsecondsSince(began)]);
  }

  private finish(ticket: number, reply: Reply): Promise<void> | undefined {
    const going = this.replies.put(reply);
    if (going !== undefined) return going.then(() => this.finished(ticket));
    this.finished(ticket);
    return undefined;
  }

  private finished(ticket: number): void {
    this.current = undefined;
    this.currentTicket = -1;
    if (this.hasEnded) return;
    if (!this.table.finish(slotOf(ticket), generationOf(ticket), this.me)) this.doomed = true;
  }
}

function argumentsIn([, , mode, payload]: TaskMessage): unknown[] {
  return ((mode & MODE.SEALED) === 0 ? payload : unseal(payload as SealedPayload)) as unknown[];
}

function microsecondsSince(began: number): number {
  return Math.round((now() - began) * 1000);
}
