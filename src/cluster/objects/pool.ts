/**
 * ClusterPool: functions that run on whichever machine serves them. BullMQ carries the tasks: it
 * keeps them at the server and gives each to one worker, or to another if that worker dies.
 *
 * A caller gives each job an id before it adds it, so the caller waits before the job can end. If
 * the connection was down, the caller misses the end. So it also looks at its jobs once in a lease.
 */

import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { clearTimeout, now, setTimeout } from '#clock';
import { onAbort } from '../../aborts.ts';
import {
  ClosedError,
  InvalidTypeError,
  OutOfRangeError,
  StoreError,
  TaskTimeoutError,
  WorkerDiedError,
} from '../../errors.ts';
import { afterMilliseconds } from '../../long-timer.ts';
import { withResolvers } from '../../with-resolvers.ts';
import type { Job, JobEvents, JobQueue, Jobs, JobWorker } from '../stores/bullmq.ts';
import type { ClusterFunctions, ClusterTarget, TaskData } from './pool-task.ts';
import { argumentsText, nameOfTarget, readOutcomes, runTask } from './pool-task.ts';

/** Options of a call. */
export interface ClusterTaskOptions {
  /** Longest time until its result, in milliseconds. */
  timeout?: number | undefined;
  /** Gives the call up: it rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

export interface ClusterMapOptions extends ClusterTaskOptions {
  /** Items that go to a worker at a time; default: so many that there are at most 1,000 jobs. */
  chunkSize?: number | undefined;
  /** Resolves to the results of `Promise.allSettled`, and does not reject if an item fails. */
  settled?: boolean | undefined;
}

export interface ServeOptions {
  /** Tasks that this process runs at a time; default 1. */
  concurrency?: number | undefined;
  /** How often a task may run again when the process that ran it has died; default 1. */
  retries?: number | undefined;
}

export interface ClusterPoolDescription {
  readonly kind: string;
  readonly name: string;
  /** Jobs that wait for a worker, and that are running. */
  readonly waiting: number;
  readonly running: number;
  readonly workers: number;
}

/** A process's service for a pool. */
export interface ClusterService extends AsyncDisposable {
  /** Takes no more tasks; resolves when the tasks that run here have ended. */
  close(): Promise<void>;
}

interface Waiting {
  since: number;
  settle(outcomes: readonly PromiseSettledResult<unknown>[]): void;
  reject(reason: unknown): void;
}

const MOST_JOBS = 1_000;
/** Seconds for which an outcome stays at the server. */
const KEPT_S = 600;
const REMOVES = { removeOnComplete: { age: KEPT_S }, removeOnFail: { age: KEPT_S } };

/**
 * A pool whose workers are processes of any machine: those that call `serve`. Needs BullMQ 6.
 *
 * A task runs at least once: when the process that runs it dies, another runs it again. Functions
 * are found by name, so callers and workers need not have the same files.
 */
export class ClusterPool {
  readonly name: string;
  private readonly title: string;
  private readonly lease: number;
  private readonly find: () => Promise<Jobs>;
  private readonly waiting = new Map<string, Waiting>();
  private readonly services = new Set<ClusterService>();
  private opening: Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> | undefined;
  private look: NodeJS.Timeout | undefined;
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(name: string, lease: number, find: () => Promise<Jobs>) {
    this.name = name;
    this.title = `Pool ${JSON.stringify(name)}`;
    this.lease = lease;
    this.find = find;
  }

  /**
   * Runs the function in a process that serves it. Resolves to its result. Rejects with the error
   * that it threw, with its name, message, stack and code.
   *
   * Rejects with `WorkerDiedError` when too many workers died while running it, `TaskTimeoutError`,
   * `signal.reason`, `TargetError` for a function that its worker does not serve,
   * `NotSendableError`, and `ClosedError`. A cancelled task does not begin; a running task goes on.
   *
   * @example
   * const size = await pool.apply(resize, ['a.png', 800]);
   */
  async apply<Args extends readonly unknown[], Result>(
    fn: ClusterTarget<Args, Result>,
    args: Args = [] as never,
    options: ClusterTaskOptions = {},
  ): Promise<Awaited<Result>> {
    const run = nameOfTarget(this.title, fn);
    const calls = [argumentsText(this.title, args)];
    const [outcome] = await this.run([{ run, calls }], options);
    if (outcome!.status === 'rejected') throw outcome!.reason;
    return outcome!.value as Awaited<Result>;
  }

  /**
   * Runs the function once for each item, in all processes that serve it. Resolves to the results
   * in the order of the items. All items run; then it rejects with the error of the first that
   * failed.
   */
  map<Item, Result>(
    fn: ClusterTarget<[Item, ...unknown[]], Result> | ((item: Item) => Result),
    items: Iterable<Item> | AsyncIterable<Item>,
    options: ClusterMapOptions & { settled: true },
  ): Promise<PromiseSettledResult<Awaited<Result>>[]>;
  map<Item, Result>(
    fn: ClusterTarget<[Item, ...unknown[]], Result> | ((item: Item) => Result),
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: ClusterMapOptions,
  ): Promise<Awaited<Result>[]>;
  async map(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: ClusterMapOptions = {},
  ): Promise<unknown> {
    const run = nameOfTarget(this.title, fn);
    const calls: string[] = [];
    for await (const item of items) calls.push(argumentsText(this.title, [item]));
    const { chunkSize = Math.ceil(calls.length / MOST_JOBS) || 1, settled = false } = options;
    checkWhole(this.title, 'chunkSize', chunkSize);
    const tasks: TaskData[] = [];
    for (let at = 0; at < calls.length; at += chunkSize)
      tasks.push({ run, calls: calls.slice(at, at + chunkSize) });
    const outcomes = await this.run(tasks, options);
    if (settled) return outcomes;
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  /**
   * Runs tasks of the pool in this process, until the result is closed. Long work that never awaits
   * belongs in a local pool, because its worker would otherwise count as dead:
   * `serve({ resize: (file) => local.apply(resize, [file]) })`.
   */
  async serve(functions: ClusterFunctions, options: ServeOptions = {}): Promise<ClusterService> {
    const { title } = this;
    for (const [name, fn] of Object.entries(functions)) {
      if (typeof fn === 'function') continue;
      throw new InvalidTypeError(
        `${title}: can't serve ${name}, it is ${inspect(fn)}; pass functions by name`,
      );
    }
    const { concurrency = 1, retries = 1 } = options;
    checkWhole(title, 'concurrency', concurrency);
    checkWhole(title, 'retries', retries, 0);
    const { jobs } = await this.open();
    const run = async ({ data }: Job): Promise<unknown> =>
      JSON.stringify(await runTask(title, functions, data as TaskData));
    const worker = jobs.worker(run, {
      concurrency,
      lockDuration: this.lease,
      stalledInterval: this.lease,
      maxStalledCount: retries,
      ...REMOVES,
    });
    worker.on('error', ignoreOutage);
    await worker.waitUntilReady();
    return this.serviceOf(worker);
  }

  async describe(): Promise<ClusterPoolDescription> {
    const { queue } = await this.open();
    const {
      wait = 0,
      prioritized = 0,
      active = 0,
    } = await queue.getJobCounts('wait', 'prioritized', 'active');
    const workers = await queue.getWorkersCount();
    return { kind: 'Pool', name: this.name, waiting: wait + prioritized, running: active, workers };
  }

  /**
   * Ends this process's part: waits for the tasks that run here, and gives up the calls made here.
   */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async end(): Promise<void> {
    await Promise.all([...this.services].map((service) => service.close()));
    const closed = new ClosedError(
      `${this.title}: the call was given up, the pool was closed; await it first`,
    );
    for (const { reject } of [...this.waiting.values()]) reject(closed);
    clearTimeout(this.look);
    const opened = await this.opening?.catch(() => undefined);
    if (opened === undefined) return;
    await Promise.all([opened.events.close(), opened.queue.close()]);
    opened.jobs.end();
  }

  private serviceOf(worker: JobWorker): ClusterService {
    const end = async (): Promise<void> => {
      await worker.close();
      this.services.delete(service);
    };
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closing ??= end();
      return closing;
    };
    const service = { close, [Symbol.asyncDispose]: close };
    this.services.add(service);
    return service;
  }

  private open(): Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> {
    if (this.closing !== undefined) {
      throw new ClosedError(`${this.title}: can't be used, it is closed; make another by cluster.pool`);
    }
    this.opening ??= this.connect();
    return this.opening;
  }

  private async connect(): Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> {
    const jobs = await this.find();
    const [queue, events] = [jobs.queue(), jobs.events()];
    queue.on('error', ignoreOutage);
    events.on('error', ignoreOutage);
    events.on('completed', ({ jobId, returnvalue }: { jobId: string; returnvalue: unknown }) => {
      this.waiting.get(jobId)?.settle(readOutcomes(returnvalue));
    });
    events.on('failed', ({ jobId, failedReason }: { jobId: string; failedReason: string }) => {
      this.waiting.get(jobId)?.reject(this.failure(failedReason));
    });
    await events.waitUntilReady();
    return { jobs, queue, events };
  }

  /** Adds the jobs, and waits for the outcomes of all of them. */
  private async run(
    tasks: readonly TaskData[],
    { timeout = Number.POSITIVE_INFINITY, signal }: ClusterTaskOptions,
  ): Promise<PromiseSettledResult<unknown>[]> {
    signal?.throwIfAborted();
    const { queue } = await this.open();
    const ids = tasks.map(() => randomUUID());
    const { promise: over, reject: giveUp } = withResolvers<never>();
    over.catch(() => undefined);
    const cancel = afterMilliseconds(timeout, () => {
      const reason = `${this.title}: given up, ${tasks[0]?.run} took longer than ${timeout} ms; pass a longer timeout`;
      giveUp(new TaskTimeoutError(reason, timeout));
    });
    const unlisten = signal && onAbort(signal, () => giveUp(signal.reason));
    const ended = Promise.all(ids.map((id) => this.ended(id)));
    ended.catch(() => undefined);
    this.lookLater();
    const jobs = tasks.map((data, index) => ({
      name: data.run,
      data,
      opts: { jobId: ids[index], ...REMOVES },
    }));
    try {
      await Promise.race([queue.addBulk(jobs), over]);
      return (await Promise.race([ended, over])).flat();
    } catch (error) {
      await this.withdraw(
        queue,
        ids.filter((id) => this.waiting.has(id)),
      );
      throw error;
    } finally {
      cancel();
      unlisten?.();
    }
  }

  private ended(id: string): Promise<readonly PromiseSettledResult<unknown>[]> {
    return new Promise((resolve, reject) => {
      const over =
        <Value>(act: (value: Value) => void) =>
        (value: Value): void => {
          if (this.waiting.delete(id)) act(value);
        };
      this.waiting.set(id, { since: now(), settle: over(resolve), reject: over(reject) });
    });
  }

  /** Takes back jobs that no worker has begun; running jobs can't be removed, and continue. */
  private async withdraw(queue: JobQueue, ids: readonly string[]): Promise<void> {
    for (const id of ids) this.waiting.delete(id);
    const removed = ids.map(async (id) => (await queue.getJob(id))?.remove());
    const patience = withResolvers<void>();
    const cancel = afterMilliseconds(this.lease, patience.resolve);
    await Promise.race([Promise.allSettled(removed), patience.promise]);
    cancel();
  }

  /** Once in a lease: looks at jobs whose end may have been missed. */
  private lookLater(): void {
    if (this.look !== undefined) return;
    this.look = setTimeout(() => {
      this.look = undefined;
      if (this.closing !== undefined || this.waiting.size === 0) return;
      this.lookAt(now() - this.lease).then(
        () => this.lookLater(),
        () => this.lookLater(),
      );
    }, this.lease);
  }

  private async lookAt(before: number): Promise<void> {
    const { queue } = await this.open();
    for (const [id, each] of [...this.waiting]) {
      if (each.since > before) continue;
      const job = await queue.getJob(id);
      const state = await job?.getState();
      if (job === undefined) each.reject(this.failure('its job no longer exists'));
      else if (state === 'completed') each.settle(readOutcomes(job.returnvalue));
      else if (state === 'failed') each.reject(this.failure(job.failedReason));
    }
  }

  private failure(reason: string): Error {
    if (/stalled/.test(reason)) {
      return new WorkerDiedError(
        `${this.title}: a task was given up, every worker that ran it died or stood still (${reason}); see what it does there`,
      );
    }
    return new StoreError(`${this.title}: a task has no result, ${reason}; make the call again`);
  }
}

/** BullMQ reconnects by itself; this listener keeps its error from ending the program. */
function ignoreOutage(): void {}

function checkWhole(title: string, what: string, value: unknown, least = 1): void {
  if (typeof value !== 'number')
    throw new InvalidTypeError(`${title}: refused, ${what} is ${inspect(value)}; pass a number`);
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new OutOfRangeError(`${title}: refused, ${what} is ${value}; pass a whole number from ${least}`);
}
