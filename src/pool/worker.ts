/**
 * Worker: the program of a pool's processes and threads: take a task, claim it, run it, put its
 * result, and finish. For the words and their order see task-table.ts.
 *
 * The event loop stays alive: tasks that await continue, and during a backlog the loop gets a turn
 * every few milliseconds. An idle worker sleeps until the pool wakes it, and has no timer.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate, setTimeout } from '#clock';
import { commonTime, now } from '#park';
import type { Cell } from '../agents/cell.ts';
import { Deadline } from '../deadline.ts';
import { resolveReference } from '../functions/resolving.ts';
import type { Words } from '../memory/atomics.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import { isMainThread } from '../this-thread.ts';
import type { Taking } from '../waiting/taking.ts';
import { mayHaveChildren } from '../workers/identity.ts';
import { ChunkWork } from './chunk-work.ts';
import { findCurrentBy, findCurrentNoMoreBy, keepState, RunningTask } from './current-task.ts';
import type { FunctionList, WorkFunction } from './function-list.ts';
import { FunctionReader } from './function-list.ts';
import { Intake } from './intake.ts';
import type { Reply, TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, REPLY } from './messages.ts';
import { Replies } from './replies.ts';
import { Polling } from './polling.ts';
import type { SealedPayload } from './sealed.ts';
import { unseal } from './sealed.ts';
import { generationOf, STOP, slotOf, TaskTable } from './task-table.ts';
import { isThenable } from './thenable.ts';
import type { WorkerOrders } from './worker-orders.ts';

/** Milliseconds of tasks without `await` before the event loop gets a turn. */
const LONGEST_TURN = 5;
/**
 * Milliseconds after which a worker without further tasks ends, even if timers or handles are open
 * in it.
 */
const LONGEST_END = 50;
/** Milliseconds of polling for the next task: longer than a pool takes to wake up and submit it. */
const LONGEST_POLL = 0.1;
/** The functions of a pool in this thread, which need no import. */
export interface LocalFunctions {
  readonly list: FunctionList;
  readonly initializer: WorkFunction | undefined;
  readonly finalizer: WorkFunction | undefined;
}

type Sleeper = () => void;

export class PoolWorker {
  private readonly me: number;
  private readonly table: TaskTable;
  private readonly intake: Intake;
  private readonly replies: Replies;
  /** The cell at which this worker sleeps. */
  private readonly bed: Cell;
  private readonly functions: FunctionReader;
  private readonly orders: WorkerOrders;
  private readonly isLocal: boolean;
  private readonly local: LocalFunctions | undefined;
  private sleeper: Sleeper | undefined;
  private ended = false;
  private doomed = false;
  private stopped = false;
  private current: RunningTask | undefined;
  private currentTicket = -1;
  /** The function of the current task: its number, or its reference as JSON. */
  private currentKey: number | string = -1;
  private readonly running = new Set<RunningTask>();
  private readonly scope: AsyncLocalStorage<RunningTask> | undefined;
  private turnBegan = 0;
  private count = 0;
  /** Whether it has run a task since it slept. */
  private hasRun = false;
  private readonly polling: Polling = new Polling(() => this.hasWork());
  private active = 0;
  private readonly wait: Taking;
  private readonly finder = (): RunningTask | undefined => this.currentTask();

  /** @param local given if it works in the thread of its pool, which wakes it by `ring` */
  constructor(orders: WorkerOrders, local?: LocalFunctions) {
    this.isLocal = local !== undefined;
    this.local = local;
    this.orders = orders;
    this.me = orders.index;
    this.table = new TaskTable(orders.table.view as Words);
    this.intake = new Intake(orders.tasks.channel, this.table, this.me);
    this.replies = new Replies(orders, () => this.nameOfCurrent());
    this.bed = orders.results.channel.joins.cell;
    this.functions = new FunctionReader(this.table, local?.list);
    this.scope = this.isLocal || orders.concurrency > 1 ? new AsyncLocalStorage() : undefined;
    this.wait = {
      tryTake: () => this.hasWork(),
      peek: () => this.hasWork(),
      attempt: () => this.rung(),
      abandon: () => {},
      taken: () => {},
      suspect: () => 0,
    };
    findCurrentBy(this.finder);
  }

  /** Works until it is stopped, and ends this process or thread. */
  async run(): Promise<void> {
    try {
      await this.serve(() => this.heedSignals());
    } finally {
      this.leave();
      setTimeout(() => process.exit(), LONGEST_END).unref();
    }
  }

  /** Works until it is stopped. `onReady`: called when its initializer is done. */
  async serve(onReady?: () => void): Promise<void> {
    const { initializer, initArgs, finalizer } = this.orders;
    if (!this.isLocal) this.listen();
    let state: unknown;
    // Run the initializer; a failure breaks the pool.
    try {
      if (initializer !== undefined) {
        const initialize = this.local?.initializer ?? (await resolveReference(initializer));
        state = await initialize(...initArgs);
        keepState(initializer.export, state);
      }
    } catch (error) {
      await this.replies.put([REPLY.BROKEN, error]);
      return;
    }
    // Report readiness, and work until the end.
    await this.replies.put([REPLY.READY]);
    onReady?.();
    await this.work();
    if (finalizer !== undefined) await (this.local?.finalizer ?? (await resolveReference(finalizer)))(state);
  }

  /** Listens no more. */
  leave(): void {
    this.ended = true;
    this.replies.end();
    findCurrentNoMoreBy(this.finder);
    if (!this.isLocal) this.bed.dispatch(false);
  }

  /** The pool of this thread has rung. */
  ring(): void {
    if (!this.ended) this.rung();
  }

  /** Ignores a terminal's Ctrl-C, which the pool handles; SIGTERM lets running tasks finish. */
  private heedSignals(): void {
    if (!isMainThread) return;
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => this.stop());
    // Note calls of `abort`, because a full heap ends a process in the same way.
    const { abort } = process;
    process.abort = () => {
      this.table.noteAbort(this.me);
      return abort();
    };
  }

  /** Finishes the running tasks, and takes no more. */
  private stop(): void {
    this.stopped = true;
    this.sleeper?.();
  }

  private async work(): Promise<void> {
    const { concurrency, mostTasks } = this.orders;
    this.turnBegan = now();
    for (;;) {
      // A doomed worker waits to be killed.
      if (this.doomed) await new Promise<never>(() => {});
      // Stop, or retire after the last task.
      if (this.isStopping()) break;
      if (mostTasks > 0 && this.count >= mostTasks) {
        await this.replies.put([REPLY.RETIRING, 'tasks']);
        break;
      }
      // Sleep while as many tasks run as may.
      if (this.active >= concurrency) {
        await this.sleep();
        continue;
      }
      // Take a task and run it, or sleep.
      const message = this.take();
      if (message === undefined) await this.sleep();
      else {
        const going = this.begin(message);
        if (going !== undefined) await going;
        if (now() - this.turnBegan > LONGEST_TURN) await this.turn();
      }
    }
    // Wait for the tasks that still run.
    while (this.active > 0) await this.sleep();
  }

  private isStopping(): boolean {
    return this.stopped || this.table.order(this.me) === STOP;
  }

  private async turn(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.turnBegan = now();
  }

  private take(): TaskMessage | undefined {
    try {
      return this.intake.take();
    } catch (error) {
      // The item is taken and unreadable. The pool finds out which item is gone.
      void this.replies.put([REPLY.UNREADABLE, error]);
      return undefined;
    }
  }

  // Sleeping.

  private hasWork(): boolean {
    if (this.isStopping()) return true;
    if (this.active >= this.orders.concurrency) return false;
    return !this.intake.isEmpty;
  }

  /** Sleeps until there may be work. */
  private async sleep(): Promise<void> {
    // Poll first, unless it has run nothing since it was woken.
    if (this.active === 0 && this.hasRun && !this.isLocal && this.polling.poll(LONGEST_POLL)) return;
    this.hasRun = false;
    await new Promise<void>((resolve) => {
      const full = this.active >= this.orders.concurrency;
      // The sleeper is called when a task has ended or work has come.
      this.sleeper = () => {
        this.sleeper = undefined;
        resolve();
      };
      if (full) return;
      // Set IDLE, then look at the ring again. The wait entry is always filled, so later puts ring.
      this.table.setIdle(this.me);
      if (!this.hasWork()) return;
      this.table.clearIdle(this.me);
      this.sleeper();
    });
    this.turnBegan = now();
  }

  /** Awaits the bell for as long as the worker lives. */
  private listen(): void {
    const ticket = this.bed.drawTicket();
    this.bed.enter(AWAITING_BIT, ticket);
    void this.bed.await(this.wait, ticket, Deadline.NEVER, this);
  }

  /** The pool or another agent has rung. */
  private rung(): boolean {
    if (this.ended) return true;
    // Let running tasks check whether they were asked to stop.
    for (const task of this.running) task.look();
    this.current?.look();
    // Wake up if there is room for a task, and one is there.
    if (this.sleeper !== undefined && this.active < this.orders.concurrency) {
      this.table.setIdle(this.me);
      if (this.hasWork()) {
        this.table.clearIdle(this.me);
        this.sleeper();
      }
    }
    return false;
  }

  // Running.

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
    return key === -1 ? (this.orders.initializer?.export ?? '') : this.functions.nameOf(key);
  }

  /** Runs the task; returns a promise if the next one has to wait for it. */
  private begin(message: TaskMessage): Promise<void> | undefined {
    // Claim the task; drop a stale item.
    const ticket = message[0];
    if (!this.table.claim(slotOf(ticket), generationOf(ticket), this.me)) return undefined;
    this.count++;
    this.hasRun = true;
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
          this.sleeper?.();
        });
      return undefined;
    }
    // Without: call the function here, unless it must be loaded first or gets items.
    this.currentTicket = ticket;
    this.currentKey = message[1];
    const fn = this.functions.known(message[1]);
    if (fn === undefined || (message[2] & MODE_MASK) !== MODE.CALL) return this.runLater(message);
    const began = now();
    let result: unknown;
    try {
      result = fn(...argumentsIn(message));
    } catch (error) {
      return this.threw(ticket, error, began);
    }
    if (isThenable(result)) return this.settleLater(ticket, result, began);
    return this.returned(ticket, result, began, message[2]);
  }

  private async runLater(message: TaskMessage): Promise<void> {
    const [ticket, key, mode] = message;
    const began = now();
    let result: unknown;
    // Load the function on its first use.
    try {
      const fn = this.functions.known(key) ?? (await this.functions.load(key));
      if ((mode & MODE_MASK) !== MODE.CALL) {
        await new ChunkWork(this.table, this.replies, fn, message).run((time) =>
          time - this.turnBegan > LONGEST_TURN ? this.turn() : undefined,
        );
        this.finished(ticket);
        return;
      }
      result = await fn(...argumentsIn(message));
    } catch (error) {
      await this.threw(ticket, error, began);
      return;
    }
    await this.returned(ticket, result, began, mode);
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
    if (this.ended) return;
    if (!this.table.finish(slotOf(ticket), generationOf(ticket), this.me)) this.doomed = true;
  }
}

function argumentsIn([, , mode, payload]: TaskMessage): unknown[] {
  return ((mode & MODE.SEALED) === 0 ? payload : unseal(payload as SealedPayload)) as unknown[];
}

function microsecondsSince(began: number): number {
  return Math.round((now() - began) * 1000);
}

/** The target of a pool's workers. */
export async function work(orders: WorkerOrders): Promise<void> {
  mayHaveChildren();
  await new PoolWorker(orders).run();
}
