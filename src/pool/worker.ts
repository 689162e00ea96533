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
import { NotSendableError } from '../errors.ts';
import type { FunctionReference } from '../functions/resolving.ts';
import { resolveReference } from '../functions/resolving.ts';
import type { Words } from '../memory/atomics.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import type { Gate } from '../messaging/ring/gate.ts';
import { NOTHING } from '../messaging/ring/ring-reader.ts';
import { formatHandle } from '../objects/handle-text.ts';
import type { RawArray } from '../shared/raw-array.ts';
import { isMainThread } from '../this-thread.ts';
import { spin } from '../waiting/blocking.ts';
import type { Taking } from '../waiting/taking.ts';
import { mayHaveChildren } from '../workers/identity.ts';
import { findCurrentBy, findCurrentNoMoreBy, keepState, RunningTask } from './current-task.ts';
import type { WorkFunction } from './function-list.ts';
import { FunctionReader } from './function-list.ts';
import type { Reply, TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, REPLY } from './messages.ts';
import type { SealedPayload } from './sealed.ts';
import { unseal } from './sealed.ts';
import { generationOf, STOP, slotOf, TaskTable } from './task-table.ts';

/** Milliseconds of tasks without `await` before the event loop gets a turn. */
const LONGEST_TURN = 5;
/**
 * Milliseconds after which a worker without further tasks ends, even if timers or handles are open
 * in it.
 */
const LONGEST_END = 50;
/** Microseconds that the items of one claim should take together. */
const CLAIMED_TIME = 20;
/** Milliseconds after which results of a chunk are put. */
const PUT_EVERY = 1;

/** The arguments of a worker at its start. */
export interface WorkerOrders {
  readonly index: number;
  readonly tasks: Queue;
  readonly table: RawArray<'i32'>;
  readonly results: Queue;
  readonly concurrency: number;
  readonly mostTasks: number;
  readonly initializer?: FunctionReference | undefined;
  readonly initArgs: readonly unknown[];
  readonly finalizer?: FunctionReference | undefined;
}

type Sleeper = () => void;

export class PoolWorker {
  private readonly me: number;
  private readonly table: TaskTable;
  private readonly tasks: Channel;
  private readonly results: Channel;
  /** The gate at which the pool waits for results. */
  private readonly gate: Gate;
  /** The cell at which this worker sleeps. */
  private readonly bed: Cell;
  private readonly functions: FunctionReader;
  private readonly orders: WorkerOrders;
  private readonly isLocal: boolean;
  private own: { queue: Queue; cell: number } | undefined;
  private sleeper: Sleeper | undefined;
  private ended = false;
  private doomed = false;
  private stopped = false;
  private current: RunningTask | undefined;
  private currentTicket = -1;
  private readonly running = new Set<RunningTask>();
  private readonly scope: AsyncLocalStorage<RunningTask> | undefined;
  private turnBegan = 0;
  private count = 0;
  private active = 0;
  private readonly wait: Taking;
  private readonly finder = (): RunningTask | undefined => this.currentTask();

  /** @param isLocal whether it works in the thread of its pool, which wakes it by `ring` */
  constructor(orders: WorkerOrders, isLocal = false) {
    this.isLocal = isLocal;
    this.orders = orders;
    this.me = orders.index;
    this.table = new TaskTable(orders.table.view as Words);
    this.tasks = orders.tasks.channel;
    this.results = orders.results.channel;
    this.gate = this.tasks.joins;
    this.bed = this.results.joins.cell;
    this.functions = new FunctionReader(this.table);
    this.scope = isLocal || orders.concurrency > 1 ? new AsyncLocalStorage() : undefined;
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
        state = await (await resolveReference(initializer))(...initArgs);
        keepState(initializer.export, state);
      }
    } catch (error) {
      await this.reply([REPLY.BROKEN, error]);
      return;
    }
    // Report readiness, and work until the end.
    await this.reply([REPLY.READY]);
    onReady?.();
    await this.work();
    if (finalizer !== undefined) await (await resolveReference(finalizer))(state);
  }

  /** Listens no more. */
  leave(): void {
    this.ended = true;
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
        await this.reply([REPLY.RETIRING, 'tasks']);
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
      // Look into the private ring first.
      const own = this.ownRing()?.taker.take() ?? NOTHING;
      if (own !== NOTHING) return own as TaskMessage;
      const message = this.tasks.taker.take();
      return message === NOTHING ? undefined : (message as TaskMessage);
    } catch (error) {
      // The item is taken and unreadable. The pool finds out which item is gone.
      void this.reply([REPLY.UNREADABLE, error]);
      return undefined;
    }
  }

  /** This worker's own task ring, if it already has one. */
  private ownRing(): Channel | undefined {
    const place = this.table.privateRing(this.me);
    if (place === undefined) return undefined;
    if (this.own?.cell !== place.number) {
      const fields = new URLSearchParams({
        in: this.tasks.cell.agent.folder,
        cell: String(place.number),
        generation: String(place.generation),
      });
      this.own = { queue: Queue.open(formatHandle('Queue', fields)), cell: place.number };
    }
    return this.own.queue.channel;
  }

  // Sleeping.

  private hasWork(): boolean {
    if (this.isStopping()) return true;
    if (this.active >= this.orders.concurrency) return false;
    return !this.tasks.ring.empty || this.ownRing()?.ring.empty === false;
  }

  /** Sleeps until there may be work. */
  private async sleep(): Promise<void> {
    if (this.active === 0 && !this.isLocal && spin(this.bed, this.wait)) return;
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
    this.current ??= this.taskOf(this.currentTicket);
    return this.current;
  }

  private taskOf(ticket: number): RunningTask {
    return new RunningTask(ticket, this.table, (from, value) => void this.reply([REPLY.REPORT, from, value]));
  }

  /** Runs the task; returns a promise if the next one has to wait for it. */
  private begin(message: TaskMessage): Promise<void> | undefined {
    // Claim the task; drop a stale item.
    const ticket = message[0];
    if (!this.table.claim(slotOf(ticket), generationOf(ticket), this.me)) return undefined;
    this.count++;
    this.table.noteStart(slotOf(ticket), commonTime() & 0x7fffffff);
    // With concurrency: run it in a scope of its own, beside the others.
    if (this.scope !== undefined) {
      this.active++;
      const task = this.taskOf(ticket);
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
        await this.runItems(ticket, fn, mode, message[3]);
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
    const going = this.reply(reply);
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

  private async runItems(ticket: number, fn: WorkFunction, mode: number, payload: unknown): Promise<void> {
    const slot = slotOf(ticket);
    const kind = mode & MODE_MASK;
    const quiet = (mode & MODE.QUIET) !== 0;
    const items = payload as readonly unknown[];
    const first = kind === MODE.RANGE ? (items[0] as number) : 0;
    const began = now();
    let values: unknown[] = [];
    let count = 0;
    let valuesFrom = 0;
    let lastPut = began;
    let ran = 0;
    const put = async (isOver: boolean): Promise<void> => {
      const time = now();
      const reply: Reply = [
        REPLY.ITEMS,
        ticket,
        valuesFrom,
        quiet ? count : values,
        Math.round((time - lastPut) * 1000),
        isOver,
      ];
      const sent = values;
      values = [];
      count = 0;
      lastPut = time;
      try {
        await this.reply(reply);
      } catch (error) {
        if (!(error instanceof NotSendableError)) throw error;
        await this.putOneByOne(reply, sent);
      }
    };
    for (let most = 1; ; ) {
      // Claim the next items; another worker may have been given the rest.
      const claimed = this.table.claimItems(slot, most);
      if (claimed === undefined) break;
      if (count === 0) valuesFrom = claimed.from;
      // Run each of them. Report results before an error, to keep the order.
      for (let index = claimed.from; index < claimed.from + claimed.count; index++) {
        try {
          const item = kind === MODE.RANGE ? first + index : items[index];
          const result = kind === MODE.TUPLES ? fn(...(item as unknown[])) : fn(item);
          const value = isThenable(result) ? await result : result;
          if (!quiet) values.push(value);
          count++;
        } catch (error) {
          if (count > 0) await put(false);
          await this.reply([REPLY.ITEM_THREW, ticket, index, error]);
          valuesFrom = index + 1;
        }
      }
      // Put the results when they are a millisecond old.
      ran += claimed.count;
      const time = now();
      if (time - lastPut >= PUT_EVERY && count > 0) await put(false);
      // Adapt how many items to claim at once.
      const each = ((time - began) * 1000) / ran;
      most = Math.max(1, Math.min(64, Math.floor(CLAIMED_TIME / Math.max(each, 0.01))));
      // Let the event loop have its turn, and look whether the run was given up.
      if (time - this.turnBegan > LONGEST_TURN) await this.turn();
      if (this.table.isAborted(slot, generationOf(ticket))) break;
    }
    // Put the last results, and finish the task.
    await put(true);
    this.finished(ticket);
  }

  /** One of the values can't be sent: puts them one by one, with an error in its place. */
  private async putOneByOne(
    [, ticket, first, , microseconds, isOver]: Reply,
    values: unknown[],
  ): Promise<void> {
    const each = Math.round((microseconds as number) / values.length);
    for (const [index, value] of values.entries()) {
      const at = (first as number) + index;
      try {
        await this.reply([REPLY.ITEMS, ticket, at, [value], each, false]);
      } catch (error) {
        await this.reply([REPLY.ITEM_THREW, ticket, at, unsendableResult(error as NotSendableError)]);
      }
    }
    const end = (first as number) + values.length;
    if (isOver === true) await this.reply([REPLY.ITEMS, ticket, end, [], 0, true]);
  }

  // Replying.

  /** Puts the reply; returns a promise only if the put has to wait. */
  private reply(reply: Reply): Promise<void> | undefined {
    // Drop the reply: this local worker was given up while a task continued.
    if (this.ended) return undefined;
    if (this.results.putter.putAtOnce(reply)) {
      this.gate.announce();
      return undefined;
    }
    return this.replyLater(reply);
  }

  private async replyLater(reply: Reply): Promise<void> {
    try {
      await this.orders.results.put(reply);
    } catch (error) {
      if (reply[0] === REPLY.ITEMS) throw error;
      await this.orders.results.put(this.unsendable(reply, error));
    }
    this.gate.announce();
  }

  /** The reply to put instead of one that can't be sent. */
  private unsendable([kind, ticket, ...rest]: Reply, error: unknown): Reply {
    const refused = error instanceof NotSendableError ? unsendableResult(error) : error;
    if (kind === REPLY.RETURNED || kind === REPLY.THREW) return [REPLY.THREW, ticket, refused, rest[1]];
    if (kind === REPLY.ITEM_THREW) return [REPLY.ITEM_THREW, ticket, rest[0], refused];
    if (kind === REPLY.BROKEN) return [REPLY.BROKEN, refused];
    return [REPLY.UNSENT, ticket, refused];
  }
}

function argumentsIn([, , mode, payload]: TaskMessage): unknown[] {
  return ((mode & MODE.SEALED) === 0 ? payload : unseal(payload as SealedPayload)) as unknown[];
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function'
  );
}

function microsecondsSince(began: number): number {
  return Math.round((now() - began) * 1000);
}

/** The error with the path of the refused value within the result instead of the reply. */
function unsendableResult(error: NotSendableError): NotSendableError {
  const message = error.message
    .replace(/^Queue: value\[(?:2|3\]\[0)\]/, 'Pool: its result')
    .replace(/^Queue: value/, 'Pool: what it sends');
  return new NotSendableError(message, { cause: error });
}

/** The target of a pool's workers. */
export async function work(orders: WorkerOrders): Promise<void> {
  mayHaveChildren();
  await new PoolWorker(orders).run();
}
