/**
 * Worker: the program of a pool's processes and threads: take a task, claim it, run it, put its
 * result, and finish. For the words and their order see task-table.ts.
 *
 * The event loop stays alive: tasks that await continue, and during a backlog the loop gets a turn
 * every few milliseconds. An idle worker sleeps until the pool wakes it, and has no timer.
 */

import { setImmediate, setTimeout } from '#clock';
import { now } from '#park';
import type { Cell } from '../agents/cell.ts';
import { Deadline } from '../deadline.ts';
import { resolveReference } from '../functions/resolving.ts';
import type { Words } from '../memory/atomics.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import { isMainThread } from '../this-thread.ts';
import { spin } from '../waiting/spinning.ts';
import type { Taking } from '../waiting/taking.ts';
import { becomePoolWorker } from '../workers/identity.ts';
import type { Moving } from '../workers/thread/moving.ts';
import { ownMoving } from '../workers/thread/moving.ts';
import { keepState } from './current-task.ts';
import type { FunctionList, WorkFunction } from './function-list.ts';
import { FunctionReader } from './function-list.ts';
import { Intake } from './intake.ts';
import type { TaskMessage } from './messages.ts';
import { REPLY } from './messages.ts';
import { Polling } from './polling.ts';
import { outliveReaders } from './printing.ts';
import { TaskRunner } from './task-runner.ts';
import { TaskTable } from './task-table.ts';
import type { WorkerOrders } from './worker-orders.ts';
import { STOP } from './worker-words.ts';

/** Milliseconds of tasks without `await` before the event loop gets a turn. */
const LONGEST_TURN = 5;
/**
 * Milliseconds after which a worker without further tasks ends, even if timers or handles are open
 * in it.
 */
const LONGEST_END = 50;
/** Milliseconds of polling for the next task: longer than a pool takes to wake up and submit it. */
const LONGEST_POLL = 0.1;
/** Tasks in a row that count as calls alone. */
const MOST_ALONE = 2;
/** The functions of a pool in this thread, which need no import. */
export interface LocalFunctions {
  readonly list: FunctionList;
  readonly initializer: WorkFunction | undefined;
  readonly finalizer: WorkFunction | undefined;
  /** Reads the results that were put. */
  readonly makeRoom: () => void;
}

type Sleeper = () => void;

export class PoolWorker {
  private readonly me: number;
  private readonly table: TaskTable;
  private readonly intake: Intake;
  private readonly runner: TaskRunner;
  /** The cell at which this worker sleeps. */
  private readonly bed: Cell;
  private readonly orders: WorkerOrders;
  private readonly isLocal: boolean;
  private readonly local: LocalFunctions | undefined;
  private sleeper: Sleeper | undefined;
  private ended = false;
  private stopped = false;
  /** Whether it takes no more tasks, and only awaits the end of those that run. */
  private leaving = false;
  private turnBegan = 0;
  /** Tasks that had run when it last had nothing to do. */
  private ranBefore = 0;
  private readonly polling: Polling = new Polling(() => this.hasWork());
  private readonly wait: Taking;

  /**
   * @param local given if it works in the thread of its pool, which wakes it by `ring`
   * @param moving how memory moves to and from it
   */
  constructor(orders: WorkerOrders, local?: LocalFunctions, moving: Moving | undefined = ownMoving()) {
    this.isLocal = local !== undefined;
    this.local = local;
    this.orders = orders;
    this.me = orders.index;
    this.table = new TaskTable(orders.table.view as Words);
    this.intake = new Intake(orders.tasks.channel, this.table, this.me);
    this.bed = orders.results.channel.joins.cell;
    const functions = new FunctionReader(this.table, local?.list);
    this.runner = new TaskRunner(orders, this.table, functions, this.isLocal || orders.concurrency > 1, {
      ended: () => this.sleeper?.(),
      turn: (time) => this.turnIfDue(time),
      moving,
      makeRoom: local?.makeRoom,
    });
    this.wait = {
      tryTake: () => this.hasWork(),
      peek: () => this.hasWork(),
      attempt: () => this.rung(),
      abandon: () => {},
      taken: () => {},
      suspect: () => 0,
    };
  }

  /** Works until it is stopped, and ends this process or thread. */
  async run(): Promise<void> {
    if (isMainThread) outliveReaders();
    try {
      await this.serve(() => this.heedSignals());
    } finally {
      this.leave();
      setTimeout(endWhenPrinted, LONGEST_END).unref();
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
      await this.runner.replies.put([REPLY.BROKEN, error]);
      return;
    }
    // Report readiness, and work until the end.
    this.table.observed.noteReady(this.me);
    await this.runner.replies.put([REPLY.READY]);
    onReady?.();
    await this.work();
    if (finalizer !== undefined) await (this.local?.finalizer ?? (await resolveReference(finalizer)))(state);
  }

  /** Listens no more. */
  leave(): void {
    this.ended = true;
    this.runner.end();
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
    // Report an uncaught error: of a process that ends by it, only an exit code is left.
    process.on('uncaughtExceptionMonitor', (error) => {
      void this.runner.replies.put([REPLY.UNCAUGHT, error]);
    });
    // Note calls of `abort`, because a full heap ends a process in the same way.
    const { abort } = process;
    process.abort = () => {
      this.table.workers.noteAbort(this.me);
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
      if (this.runner.doomed) await new Promise<never>(() => {});
      // Stop, or retire after the last task.
      if (this.isStopping()) break;
      if (mostTasks > 0 && this.runner.count >= mostTasks) {
        await this.runner.replies.put([REPLY.RETIRING, 'tasks']);
        break;
      }
      // Sleep while as many tasks run as may.
      if (this.runner.active >= concurrency) {
        await this.sleep();
        continue;
      }
      // Take a task and run it, or sleep.
      const message = this.take();
      if (message === undefined) await this.sleep();
      else {
        const going = this.runner.begin(message);
        if (going !== undefined) await going;
        const turn = this.turnIfDue(now());
        if (turn !== undefined) await turn;
      }
    }
    // Wait for the tasks that still run. Tasks in the ring are for others now.
    this.leaving = true;
    while (this.runner.active > 0) await this.sleep();
  }

  private isStopping(): boolean {
    return this.stopped || this.table.workers.order(this.me) === STOP;
  }

  /** Gives the event loop a turn if it has not had one for long. */
  private turnIfDue(time: number): Promise<void> | undefined {
    return time - this.turnBegan > LONGEST_TURN ? this.turn() : undefined;
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
      void this.runner.replies.put([REPLY.UNREADABLE, error]);
      return undefined;
    }
  }

  // Sleeping.

  private hasWork(): boolean {
    if (this.isStopping()) return true;
    return !this.isFull && !this.intake.isEmpty;
  }

  /** Whether only the end of a task that runs matters to it. */
  private get isFull(): boolean {
    return this.leaving || this.runner.active >= this.orders.concurrency;
  }

  /** Polls for work before a sleep; returns whether there may be some. */
  private comesSoon(): boolean {
    const ran = this.runner.count - this.ranBefore;
    this.ranBefore = this.runner.count;
    // After a call alone the next one comes when the pool has read the result.
    if (ran > 0 && ran <= MOST_ALONE && this.polling.mayPoll()) return this.polling.poll(LONGEST_POLL);
    // After a batch it comes at once, or the pool's thread needs the processor.
    return spin(this.bed, this.wait);
  }

  /** Sleeps until there may be work. */
  private async sleep(): Promise<void> {
    if (this.runner.active === 0 && !this.isLocal && this.comesSoon()) return;
    await new Promise<void>((resolve) => {
      // The sleeper is called when a task has ended, work has come, or the worker shall stop. Clear
      // IDLE each time, or the pool would wake up this worker, which runs, in place of another.
      this.sleeper = () => {
        this.sleeper = undefined;
        this.table.workers.clearIdle(this.me);
        resolve();
      };
      if (this.isFull) return;
      // Set IDLE, then look at the ring again. The wait entry is always filled, so later puts ring.
      this.table.workers.setIdle(this.me);
      if (this.hasWork()) this.sleeper();
    });
    this.turnBegan = now();
    this.polling.slept();
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
    this.runner.look();
    // Wake up if there is room for a task, and one is there.
    if (this.sleeper !== undefined && !this.isFull) {
      this.table.workers.setIdle(this.me);
      if (this.hasWork()) this.sleeper();
    }
    return false;
  }
}

/** Ends this process or thread when all that it has printed has left it. */
function endWhenPrinted(): void {
  let left = 2;
  const written = (): void => {
    if (--left === 0) process.exit();
  };
  for (const stream of [process.stdout, process.stderr]) {
    // Nothing can be written to one that was ended or closed.
    if (stream.writable) stream.write('', written);
    else written();
  }
}

/** The target of a pool's workers. */
export async function work(orders: WorkerOrders): Promise<void> {
  becomePoolWorker();
  await new PoolWorker(orders).run();
}
