/**
 * ClusterPool: functions that run on whichever machine serves them. BullMQ carries the tasks: it
 * keeps them at the server and gives each to one worker, or to another if that worker dies.
 */

import { inspect } from 'node:util';
import { ClosedError, InvalidTypeError, LockstepError, OutOfRangeError, StoreError } from '../../errors.ts';
import { afterMilliseconds } from '../../long-timer.ts';
import { noteOrigin } from '../../stacks.ts';
import { withResolvers } from '../../with-resolvers.ts';
import type { Job, JobEvents, JobQueue, Jobs, JobWorker } from '../stores/bullmq.ts';
import type { ClusterTaskOptions } from './pool-calls.ts';
import { PoolCalls, REMOVES } from './pool-calls.ts';
import type { ClusterFunctions, ClusterTarget, TaskData } from './pool-task.ts';
import { argumentsText, nameOfTarget, runTask } from './pool-task.ts';

export interface ClusterMapOptions extends ClusterTaskOptions {
  /** Items that go to a worker at a time; default: so many that there are at most 1,000 jobs. */
  chunkSize?: number | undefined;
  /** Resolves to the results of `Promise.allSettled`, and does not reject if an item fails. */
  settled?: boolean | undefined;
}

export interface ClusterStreamOptions extends ClusterTaskOptions {
  /** How many items may be taken before their results are read; default 64. */
  ahead?: number | undefined;
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
  /**
   * Takes no more tasks; resolves when the tasks that run here have ended, or after `grace`
   * milliseconds. A task that still runs then is run again elsewhere once this process ends.
   */
  close(options?: { grace?: number }): Promise<void>;
}

const MOST_JOBS = 1_000;
/** Calls of `imap` that are under way at a time. */
const AHEAD = 64;

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
  private readonly calls: PoolCalls;
  private readonly services = new Set<ClusterService>();
  private opening: Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> | undefined;
  private closing: Promise<void> | undefined;

  /** @internal */
  constructor(name: string, lease: number, find: () => Promise<Jobs>) {
    this.name = name;
    this.title = `Pool ${JSON.stringify(name)}`;
    this.lease = lease;
    this.find = find;
    this.calls = new PoolCalls(this.title, lease, async () => (await this.open()).queue);
  }

  /**
   * Runs the function in a process that serves it. Resolves to its result. Rejects with the error
   * that it threw. As in a local pool, errors of JavaScript and of Lockstep keep their class;
   * fields and causes come with them.
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
    checkOptions(this.title, options, TASK);
    const [outcome] = await this.calls.run([{ run, calls }], options, noteOrigin());
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
  map(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: ClusterMapOptions,
  ): Promise<unknown> {
    return this.collect(fn, items, (item) => [item], options);
  }

  /** As `map`, with the arguments of each call as an array. */
  starmap<Args extends readonly unknown[], Result>(
    fn: ClusterTarget<Args, Result>,
    items: Iterable<Readonly<NoInfer<Args>>> | AsyncIterable<Readonly<NoInfer<Args>>>,
    options: ClusterMapOptions & { settled: true },
  ): Promise<PromiseSettledResult<Awaited<Result>>[]>;
  starmap<Args extends readonly unknown[], Result>(
    fn: ClusterTarget<Args, Result>,
    items: Iterable<Readonly<NoInfer<Args>>> | AsyncIterable<Readonly<NoInfer<Args>>>,
    options?: ClusterMapOptions,
  ): Promise<Awaited<Result>[]>;
  starmap(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: ClusterMapOptions,
  ): Promise<unknown> {
    return this.collect(fn, items, (item) => item, options);
  }

  /**
   * Runs the function once for each item. Yields the results in the order of the items, each as
   * soon as it is there. Takes at most `ahead` items whose results are not read yet. Throws the
   * error of an item that failed. Then, or when the loop is left, the other calls are given up.
   *
   * @example
   * for await (const size of pool.imap(resize, files)) console.log(size);
   */
  imap<Item, Result>(
    fn: ClusterTarget<[Item, ...unknown[]], Result> | ((item: Item) => Result),
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: ClusterStreamOptions,
  ): AsyncGenerator<Awaited<Result>, void> {
    return this.stream(fn, items, true, options) as AsyncGenerator<Awaited<Result>, void>;
  }

  /** As `imap`, but yields each result as soon as it is there, in any order. */
  imapUnordered<Item, Result>(
    fn: ClusterTarget<[Item, ...unknown[]], Result> | ((item: Item) => Result),
    items: Iterable<Item> | AsyncIterable<Item>,
    options?: ClusterStreamOptions,
  ): AsyncGenerator<Awaited<Result>, void> {
    return this.stream(fn, items, false, options) as AsyncGenerator<Awaited<Result>, void>;
  }

  /**
   * Runs tasks of the pool in this process, until the result is closed. Long work that never awaits
   * belongs in a local pool, because its worker would otherwise count as dead:
   * `serve({ resize: (file) => local.apply(resize, [file]) })`.
   */
  async serve(functions: ClusterFunctions, options: ServeOptions = {}): Promise<ClusterService> {
    const { title } = this;
    if (functions === null || typeof functions !== 'object') {
      throw new InvalidTypeError(
        `${title}: can't serve ${inspect(functions)}, which has no functions; pass { name: function }`,
      );
    }
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
    await this.calls.end(closed);
    const opened = await this.opening?.catch(() => undefined);
    if (opened === undefined) return;
    await Promise.all([opened.events.close(), opened.queue.close()]);
    opened.jobs.end();
  }

  private async collect(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    argumentsOf: (item: unknown) => unknown,
    options: ClusterMapOptions = {},
  ): Promise<unknown> {
    const origin = noteOrigin();
    const run = nameOfTarget(this.title, fn);
    checkOptions(this.title, options, [...TASK, 'chunkSize', 'settled']);
    const calls: string[] = [];
    for await (const item of items) calls.push(argumentsText(this.title, argumentsOf(item)));
    const { chunkSize = Math.ceil(calls.length / MOST_JOBS) || 1, settled = false } = options;
    checkWhole(this.title, 'chunkSize', chunkSize);
    const tasks: TaskData[] = [];
    for (let at = 0; at < calls.length; at += chunkSize)
      tasks.push({ run, calls: calls.slice(at, at + chunkSize) });
    const outcomes = await this.calls.run(tasks, options, origin);
    if (settled) return outcomes;
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  private async *stream(
    fn: unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    ordered: boolean,
    options: ClusterStreamOptions = {},
  ): AsyncGenerator<unknown, void> {
    const origin = noteOrigin();
    const run = nameOfTarget(this.title, fn);
    checkOptions(this.title, options, [...TASK, 'ahead']);
    const { ahead = AHEAD, timeout, signal } = options;
    checkWhole(this.title, 'ahead', ahead);
    const left = new AbortController();
    const given = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
    /** Calls under way, in the order of their items; each settles to its own number. */
    const flying = new Map<number, Promise<readonly [number, PromiseSettledResult<unknown>]>>();
    const begin = (number: number, item: unknown): void => {
      const calls = [argumentsText(this.title, [item])];
      const call = this.calls.run([{ run, calls }], { timeout, signal: given }, origin);
      const settled = call.then(([outcome]) => [number, outcome!] as const);
      settled.catch(() => undefined);
      flying.set(number, settled);
    };
    const next = async (): Promise<unknown> => {
      const [first] = flying.values();
      const [number, outcome] = await (ordered ? first! : Promise.race(flying.values()));
      flying.delete(number);
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    };
    let count = 0;
    try {
      for await (const item of items) {
        begin(count++, item);
        if (flying.size >= ahead) yield await next();
      }
      while (flying.size > 0) yield await next();
    } finally {
      left.abort(
        new ClosedError(`${this.title}: the call was given up, its results are no longer read; read on`),
      );
    }
  }

  private serviceOf(worker: JobWorker): ClusterService {
    const end = async (): Promise<void> => {
      await worker.close();
      this.services.delete(service);
    };
    let closing: Promise<void> | undefined;
    const close = async ({ grace = Number.POSITIVE_INFINITY } = {}): Promise<void> => {
      closing ??= end();
      const patience = withResolvers<void>();
      const cancel = afterMilliseconds(grace, patience.resolve);
      await Promise.race([closing, patience.promise]);
      cancel();
    };
    const service = { close, [Symbol.asyncDispose]: () => close() };
    this.services.add(service);
    return service;
  }

  private open(): Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> {
    if (this.closing !== undefined) {
      throw new ClosedError(`${this.title}: can't be used, it is closed; make another by cluster.pool`);
    }
    this.opening ??= this.connect().catch((error: Error) => {
      this.opening = undefined;
      if (error instanceof LockstepError) throw error;
      throw new StoreError(
        `${this.title}: its tasks can't be reached, ${error.message}; see to the server, and to its limit of connections`,
        { cause: error },
      );
    });
    return this.opening;
  }

  private async connect(): Promise<{ jobs: Jobs; queue: JobQueue; events: JobEvents }> {
    const jobs = await this.find();
    const [queue, events] = [jobs.queue(), jobs.events()];
    queue.on('error', ignoreOutage);
    events.on('error', ignoreOutage);
    events.on('completed', ({ jobId, returnvalue }: { jobId: string; returnvalue: unknown }) => {
      this.calls.completed(jobId, returnvalue);
      if (jobs.skipsEvents) this.calls.notice();
    });
    events.on('failed', ({ jobId, failedReason }: { jobId: string; failedReason: string }) => {
      this.calls.failed(jobId, failedReason);
      if (jobs.skipsEvents) this.calls.notice();
    });
    await events.waitUntilReady();
    return { jobs, queue, events };
  }
}

/** BullMQ reconnects by itself; this listener keeps its error from ending the program. */
function ignoreOutage(): void {}

const TASK = ['timeout', 'signal'];

/** Options of a local pool that are not a call's here, with what to do instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  retries: 'the worker decides; pass it to `serve`',
  onProgress: 'a task of the cluster reports no progress; have it set a `cluster.value`',
};

/** Throws for an unknown option, and for a wrong timeout or signal. */
function checkOptions(title: string, options: ClusterTaskOptions, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new InvalidTypeError(
      Object.hasOwn(ELSEWHERE, unknown)
        ? `${title}: refused, a call has no option \`${unknown}\`, ${ELSEWHERE[unknown]}`
        : `${title}: refused, unknown option \`${unknown}\`; there are ${known.map((name) => `\`${name}\``).join(', ')}`,
    );
  }
  const { timeout, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new InvalidTypeError(`${title}: refused, signal is ${inspect(signal)}; pass an AbortSignal`);
  if (timeout === undefined) return;
  if (typeof timeout !== 'number')
    throw new InvalidTypeError(`${title}: refused, timeout is ${inspect(timeout)}; pass milliseconds`);
  if (!(timeout >= 0))
    throw new OutOfRangeError(`${title}: refused, timeout is ${timeout}; pass milliseconds from 0`);
}

function checkWhole(title: string, what: string, value: unknown, least = 1): void {
  if (typeof value !== 'number')
    throw new InvalidTypeError(`${title}: refused, ${what} is ${inspect(value)}; pass a number`);
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new OutOfRangeError(`${title}: refused, ${what} is ${value}; pass a whole number from ${least}`);
}
