/** AbstractPool: the common part of Pool and ThreadPool: the calls, and the pool's life. */

import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { setTimeout } from '#clock';
import { now } from '#park';
import { forbidSending } from '../codec/sendable.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import {
  ClosedError,
  InvalidTypeError,
  PoolBrokenError,
  QueueFullError,
  StateError,
  TaskTimeoutError,
  TimedOutError,
} from '../errors.ts';
import type { Words } from '../memory/atomics.ts';
import { Queue } from '../messaging/queue.ts';
import { RawArray } from '../shared/raw-array.ts';
import type { Origin } from '../stacks.ts';
import { noteOrigin, originOf, withOrigin } from '../stacks.ts';
import type { TargetModule } from '../workers/target.ts';
import { referenceToTarget } from '../workers/target.ts';
import { callBack } from './callbacks.ts';
import type { MakeChild, Spares } from './crew.ts';
import { Crew } from './crew.ts';
import { causeOfEnd, settleDead, takeBackUnread } from './deaths.ts';
import type { EngineHost } from './engine.ts';
import { Engine } from './engine.ts';
import { killOnExit } from './exit.ts';
import type { WorkFunction } from './function-list.ts';
import { FunctionList } from './function-list.ts';
import type { RunOrder } from './item-run.ts';
import { ItemRun } from './item-run.ts';
import { callHere, LocalWorker } from './local-worker.ts';
import { Collection } from './map.ts';
import type { MapOptions, StreamOptions } from './map-options.ts';
import { checkMapOptions } from './map-options.ts';
import type { Member } from './member.ts';
import type { Reply } from './messages.ts';
import { MODE, REPLY, RING_BYTES } from './messages.ts';
import type { CommonPoolOptions, Settings, TaskOptions } from './pool-options.ts';
import { checkTaskOptions, settingsOf } from './pool-options.ts';
import { PoolTask } from './pool-task.ts';
import type { Remote } from './remote.ts';
import { remoteOf } from './remote.ts';
import type { Results } from './results.ts';
import { ResultStream } from './results.ts';
import { sameFrames } from './same-frames.ts';
import { Sizing } from './sizing.ts';
import { sourceOf } from './sources.ts';
import type { PoolStats } from './statistics.ts';
import { PoolStatistics } from './statistics.ts';
import type { Task } from './task.ts';
import { TaskHandle } from './task.ts';
import type { ControlHost } from './task-control.ts';
import { giveUp, lookAtTimes, watchTask } from './task-control.ts';
import { TaskTable, wordsFor } from './task-table.ts';
import type { LocalFunctions } from './worker.ts';

/** A function that workers run: its module exports it. */
export type Fn<Args extends readonly unknown[] = readonly never[], Result = unknown> = (
  ...args: Args
) => Result;

/** A function, or its module and the name of its export. */
export type PoolTarget<Args extends readonly unknown[], Result> = Fn<Args, Result> | TargetModule;

/** Arguments and options of a call; the arguments may be left out if the function needs none. */
export type CallRest<Args extends readonly unknown[]> = [] extends Args
  ? [args?: Readonly<NoInfer<Args>>, options?: TaskOptions]
  : [args: Readonly<NoInfer<Args>>, options?: TaskOptions];

/** Sources of a map's items. */
export type Items<Item> = Iterable<Item> | AsyncIterable<Item>;

/** Milliseconds between looks for dead workers where no event can report them. */
const LOOK_EVERY = 5;
/**
 * Number of calls whose origin is always recorded. Later it is recorded only for longer tasks.
 */
const FIRST_CALLS = 256;
/** Mean microseconds of a task above which recording the origin costs little. */
const LONG_TASK = 100;

/** Milliseconds between looks at the times of a task, in a thread that blocks for it. */
const LOOK_AT_TIMES = 10;
const NO_ARGUMENTS: readonly unknown[] = [];

export abstract class AbstractPool<State, InitArgs extends readonly unknown[]>
  extends EventEmitter
  implements AsyncDisposable
{
  /** @internal */
  protected readonly settings: Settings;
  /** @internal */
  protected readonly engine: Engine;
  /** @internal */
  protected readonly functions: FunctionList;
  /** @internal */
  protected readonly control: ControlHost;
  private readonly crew: Crew;
  private readonly tasks: Queue;
  private readonly array: RawArray<'i32'>;
  private readonly statistics: PoolStatistics;
  private phase: 'open' | 'closing' | 'closed' = 'open';
  private reason: PoolBrokenError | undefined;
  private ending: Promise<void> | undefined;
  /** Maps that may still be running. */
  private readonly runs = new Set<ItemRun>();
  private readonly sizing: Sizing;
  private readonly roomWaits = new Set<() => void>();
  private readonly idleWaits = new Set<() => void>();
  private readonly readyWaits = new Set<() => void>();
  private calls = 0;
  private looked = 0;

  /** @internal */
  protected constructor(
    kind: 'Pool' | 'ThreadPool',
    options: CommonPoolOptions<State, InitArgs>,
    count: unknown,
    make: MakeChild,
    spares?: Spares,
  ) {
    super();
    const settings = settingsOf(kind, options as CommonPoolOptions<unknown, readonly unknown[]>, count);
    const { title, max, grace } = settings;
    const { initializer, initArgs = NO_ARGUMENTS, finalizer } = options;
    this.settings = settings;
    this.statistics = new PoolStatistics(title, settings.statistics);
    forbidSending(this, `a ${kind}, which only the thread that made it can use`);
    const reference = (fn: unknown, what: string) =>
      fn === undefined ? undefined : referenceToTarget(fn, `${title}: ${what}`, false);
    const first = reference(initializer, 'initializer');
    const last = reference(finalizer, 'finalizer');
    this.tasks = new Queue({ bytes: RING_BYTES });
    this.array = new RawArray('i32', wordsFor(max));
    const words = this.array.view as Words;
    TaskTable.init(words, max);
    const table = new TaskTable(words);
    this.functions = new FunctionList(table);
    const local: LocalFunctions = {
      list: this.functions,
      initializer: initializer as WorkFunction | undefined,
      finalizer: finalizer as WorkFunction | undefined,
    };
    this.crew = new Crew({
      settings,
      table,
      array: this.array,
      tasks: this.tasks,
      make: settings.isHere ? ({ args: [orders] }) => new LocalWorker(orders, local) : make,
      spares: settings.isHere ? undefined : spares,
      initializer: first,
      initArgs,
      finalizer: last,
      died: (member) => this.buried(member),
      leaves: (member) => this.engine.leaves(member),
      broken: (error) => this.break(error),
    });
    this.engine = new Engine(table, this.tasks, this.host(), this.statistics);
    const { crew, engine } = this;
    this.control = {
      title,
      engine,
      members: crew.members,
      grace,
      get width() {
        return Math.max(1, crew.target * settings.concurrency);
      },
    };
    this.sizing = new Sizing(settings, crew, engine);
    killOnExit(this, () => {
      this.phase = 'closed';
      this.crew.killAll();
    });
    try {
      this.crew.fill();
    } catch (error) {
      this.phase = 'closed';
      this.crew.killAll();
      for (const member of this.crew.members) member?.child.joinSync();
      this.letGo();
      throw error;
    }
  }

  /**
   * Runs the function in a worker; the event loop keeps running. Resolves to the function's result.
   *
   * Rejects with the error that the function threw, or with `WorkerDiedError` if its worker died.
   * *Cancels* by `signal`: rejects with its reason. Also rejects with `TaskTimeoutError`,
   * `NotSendableError`, `TargetError`, `ClosedError`, `QueueFullError` and `PoolBrokenError`.
   *
   * @example
   * const image = await pool.apply(resize, ['a.png', 800]);
   */
  apply<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args>
  ): Promise<Awaited<Result>> {
    const [args, options] = rest;
    let task: PoolTask;
    try {
      task = this.newTask(fn, args, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.started(task, options) as Promise<Awaited<Result>>;
  }

  /**
   * As `apply`, but *blocks* this thread until the function has ended. Meanwhile the pool also
   * hands out other tasks and takes their results; code that awaits them goes on afterwards.
   */
  applySync<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args>
  ): Awaited<Result> {
    const [args, options] = rest;
    const task = this.newTask(fn, args, options);
    if (this.settings.isHere) return this.callNow(fn, args ?? NO_ARGUMENTS) as Awaited<Result>;
    let outcome: { ok: boolean; value: unknown } | undefined;
    task.resolve = (value) => {
      outcome = { ok: true, value };
    };
    task.reject = (value) => {
      outcome = { ok: false, value };
    };
    this.begin(task, options);
    const over = (): boolean => outcome !== undefined;
    if (task.more === undefined) this.engine.block(over, Deadline.NEVER);
    else {
      // Check the times of the task here, because no timer fires meanwhile.
      while (!this.engine.block(over, Deadline.from({ timeout: LOOK_AT_TIMES })))
        lookAtTimes(this.control, task);
    }
    const { ok, value } = outcome!;
    if (!ok) throw value;
    return value as Awaited<Result>;
  }

  /** As `apply`, but returns a task that you can await, watch and cancel. */
  submit<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args>
  ): Task<Awaited<Result>> {
    const [args, options] = rest;
    const task = this.newTask(fn, args, options);
    const promise = this.started(task, options) as Promise<Awaited<Result>>;
    return new TaskHandle(promise, task, this.control);
  }

  /**
   * Runs the function once for each item, in all workers. Resolves to the results, in the order of
   * the items. The items may come from any iterable, including an asynchronous one; they are taken
   * only as they are needed. If the function throws for some items, all items still run; then the
   * call rejects with the first error. `stopOnError` and `settled` change that.
   *
   * @example
   * const rows = await pool.map(row, range(2000), { progress: true });
   */
  map<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Items<Item>,
    options: MapOptions & { settled: true },
  ): Promise<PromiseSettledResult<Awaited<Result>>[]>;
  map<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Items<Item>,
    options?: MapOptions,
  ): Promise<Awaited<Result>[]>;
  async map(fn: unknown, items: unknown, options?: MapOptions): Promise<unknown> {
    return await this.collect('map', fn, items, options, false, false).result();
  }

  /** As `map`, but *blocks* this thread. The items must come from a synchronous iterable. */
  mapSync<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Iterable<Item>,
    options?: MapOptions,
  ): Awaited<Result>[] {
    const isLater = Symbol.asyncIterator in Object(items) && !(Symbol.iterator in Object(items));
    if (isLater) {
      throw new InvalidTypeError(
        `${this.settings.title}: mapSync refused, its items come asynchronously, and this thread would block; use map`,
      );
    }
    if (this.settings.isHere) return this.mapNow(fn, items, options) as Awaited<Result>[];
    const collection = this.collect('mapSync', fn, items, options, false, false);
    this.engine.block(() => collection.isOver, Deadline.NEVER);
    return collection.resultNow() as Awaited<Result>[];
  }

  /**
   * As `map`, for functions with several arguments: each item is an array of all arguments of a
   * call.
   */
  starmap<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    items: Items<Readonly<NoInfer<Args>>>,
    options: MapOptions & { settled: true },
  ): Promise<PromiseSettledResult<Awaited<Result>>[]>;
  starmap<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    items: Items<Readonly<NoInfer<Args>>>,
    options?: MapOptions,
  ): Promise<Awaited<Result>[]>;
  async starmap(fn: unknown, items: unknown, options?: MapOptions): Promise<unknown> {
    return await this.collect('starmap', fn, items, options, true, false).result();
  }

  /**
   * As `map`, but without results: nothing is sent back. For functions that write to shared memory
   * or to disk.
   */
  async each<Item>(
    fn: PoolTarget<[item: Item], unknown>,
    items: Items<Item>,
    options?: MapOptions,
  ): Promise<void> {
    await this.collect('each', fn, items, options, false, true).result();
  }

  /**
   * As `map`, but returns an iterator over the results, in the order of the items. At most `ahead`
   * items are taken from the source before you read their results, so memory use stays constant. If
   * you leave the loop with `break`, the source is closed and the remaining work is cancelled.
   *
   * @example
   * for await (const score of pool.imap(score, lines, { ahead: 1000 })) await db.insert(score);
   */
  imap<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Items<Item>,
    options?: StreamOptions,
  ): Results<Awaited<Result>> {
    return this.stream('imap', fn, items, options, true) as Results<Awaited<Result>>;
  }

  /** As `imap`, with each result as soon as it is there, in any order. */
  imapUnordered<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Items<Item>,
    options?: StreamOptions,
  ): Results<Awaited<Result>> {
    return this.stream('imapUnordered', fn, items, options, false) as Results<Awaited<Result>>;
  }

  /**
   * Resolves when all workers have started, and their initializers are done. Rejects with
   * `PoolBrokenError`.
   */
  get ready(): Promise<void> {
    return this.whenReady();
  }

  /**
   * Waits until fewer tasks wait than `maxQueue` allows; the event loop keeps running. Rejects with
   * `TimedOutError` at the timeout. *Cancels* by `signal`.
   */
  async room(options?: WaitOptions): Promise<void> {
    const deadline = Deadline.begin(options);
    const { maxQueue, title } = this.settings;
    while (this.reason === undefined && this.phase === 'open' && this.engine.waiting >= maxQueue) {
      let wake: () => void = () => {};
      const moved = new Promise<boolean>((resolve) => {
        wake = () => resolve(true);
      });
      this.roomWaits.add(wake);
      try {
        if (!(await Promise.race([moved, this.passed(deadline)])))
          throw new TimedOutError(`${title}: no room within the timeout; wait longer, or shed the load`);
      } finally {
        this.roomWaits.delete(wake);
      }
    }
    this.checkUsable();
  }

  /** Returns a function that runs `fn` in the pool: `wrap(fn)(a, b)` is `apply(fn, [a, b])`. */
  wrap<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    options?: TaskOptions,
  ): (...args: Args) => Promise<Awaited<Result>> {
    return (...args) => this.apply(fn, ...([args, options] as unknown as CallRest<Args>));
  }

  /**
   * Returns an object with the module's functions, each of which runs in the pool:
   * `proxy(images).resize(path, 320)`.
   *
   * @param module the object of `import * as images`; or a URL, whose module is not loaded here.
   *   Then pass its type: `pool.proxy<typeof Images>(url)` with `import type * as Images`
   */
  proxy<Module extends object>(module: Module | URL | string, options?: TaskOptions): Remote<Module> {
    const title = `${this.settings.title}: proxy`;
    if (options !== undefined) checkTaskOptions(title, options);
    return remoteOf(module, title, (target, args) =>
      this.apply(target as Fn<unknown[], unknown>, args, options),
    );
  }

  /** Counts and times of the pool's tasks and workers. */
  get stats(): PoolStats {
    const { statistics, engine, crew } = this;
    const { done, failed, cancelled, lost, restarts, causes } = statistics;
    const time = now();
    let [busy, lived] = [statistics.busyBefore, statistics.livedBefore];
    for (const member of crew.members) {
      if (member?.alive !== true) continue;
      busy += member.busy;
      lived += (time - member.born) * this.settings.concurrency;
    }
    return {
      queued: engine.waiting,
      handedOut: engine.inFlight,
      done,
      failed,
      cancelled,
      lost,
      restarts,
      recycled: causes.tasks + causes.memory,
      causes: { ...causes },
      starts: crew.starts,
      meanRunTime: engine.mean / 1000,
      waitTime: statistics.waits.stats,
      runTime: statistics.runs.stats,
      utilization: lived > 0 ? Math.min(1, busy / lived) : 0,
      slowest: statistics.slowest.map((task) => ({ ...task })),
      workers: crew.members.flatMap((member) =>
        member?.alive ? [{ id: member.id, state: member.state, tasks: member.tasks, busy: member.busy }] : [],
      ),
    };
  }

  /** The number of living workers. */
  get size(): number {
    return this.crew.size;
  }

  /**
   * Closes the pool: it takes no more tasks. Resolves when all its tasks are done, the finalizers
   * have run, and all workers have ended. With `cancelQueued: true`, waiting tasks reject with
   * `ClosedError`. Idempotent.
   */
  close(options: { cancelQueued?: boolean } = {}): Promise<void> {
    if (options.cancelQueued === true)
      this.rejectAll('waiting', (what) => this.unfinished(what, 'was closed'));
    this.ending ??= this.endInOrder();
    return this.ending;
  }

  /**
   * Kills the workers immediately: every unfinished task rejects with `ClosedError`. Idempotent.
   */
  terminate(): Promise<void> {
    // Start no more replacements, reject all tasks, then kill.
    if (this.phase === 'open') this.phase = 'closing';
    this.crew.endReplacing();
    this.rejectAll('all', (what) => this.unfinished(what, 'was terminated'));
    this.crew.killAll();
    // Replace an orderly end that is under way.
    const before = this.ending;
    this.ending = this.untilGone();
    void before?.catch(() => {});
    return this.ending;
  }

  /**
   * Waits until a closed or terminated pool has ended; the event loop keeps running. Resolves to
   * `true`, or to `false` at the timeout. Rejects with `StateError` before `close()`.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    this.checkClosing('join');
    const deadline = Deadline.begin(options);
    const ended = this.ending!.then(() => true);
    if (deadline.unlimited) return ended;
    return Promise.race([ended, this.passed(deadline)]);
  }

  /** As `join`, but *blocks* this thread. */
  joinSync(options?: WaitOptions): boolean {
    this.checkClosing('join');
    const deadline = Deadline.begin(options);
    if (this.settings.isHere && this.crew.size > 0) {
      throw new StateError(
        `${this.settings.title}: can't block until it has ended, with processes: 0 it works in this thread; await join() instead`,
      );
    }
    // Wait until no task is left, then tell the workers to stop.
    if (!this.engine.block(() => this.engine.idle || deadline.expired, deadline)) return false;
    this.crew.stopAll();
    // Wait for the end of each worker.
    for (const member of this.crew.members) {
      if (member === undefined) continue;
      if (!member.child.joinSync(deadline.timed ? deadline.remaining : undefined)) return false;
      this.buried(member);
    }
    this.letGo();
    return true;
  }

  /**
   * Ends the pool: waiting tasks reject, running tasks are asked to stop, and killed after
   * `grace`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.phase === 'open') {
      this.phase = 'closing';
      const error = (what: string): Error => this.unfinished(what, 'was left by its scope');
      this.rejectAll('waiting', error);
      for (const task of [...this.engine.tasks])
        if (task !== undefined) giveUp(this.control, task, () => error(task.fn.name));
    }
    await this.close();
  }

  /** One line with the pool's state. */
  override toString(): string {
    const { title } = this.settings;
    const { pending, inFlight } = this.engine;
    const how = this.reason === undefined ? (this.phase === 'open' ? '' : ` ${this.phase}`) : ' broken';
    return `<${title} ${this.crew.size} workers, ${inFlight} of ${pending} tasks handed out${how}>`;
  }

  /** @internal */
  protected newTask(fn: unknown, args: unknown, options: TaskOptions | undefined): PoolTask {
    const { title } = this.settings;
    if (args !== undefined && !Array.isArray(args)) {
      throw new InvalidTypeError(
        `${title}: refused, the arguments are ${inspect(args, { depth: 0 })}; pass an array: apply(fn, [argument])`,
      );
    }
    if (options !== undefined) checkTaskOptions(title, options);
    this.checkUsable();
    const found = this.functions.find(fn, title);
    return new PoolTask(found, MODE.CALL, args ?? NO_ARGUMENTS, now(), options?.priority ?? 0, this.origin());
  }

  /** @internal Hands a task over; resolves to its outcome. */
  protected started(task: PoolTask, options: TaskOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      task.resolve = resolve;
      task.reject = reject;
      this.begin(task, options);
    });
  }

  /** @internal Hands a task over, and applies its options. */
  protected begin(task: PoolTask, options: TaskOptions | undefined): void {
    const { settings, engine } = this;
    const { signal, queueTimeout, onReport } = options ?? {};
    const timeout = options?.timeout ?? settings.timeout;
    const retries = options?.retries ?? settings.retries;
    // Check everything before the task is handed over.
    signal?.throwIfAborted();
    if (engine.waiting >= settings.maxQueue) throw this.fullError();
    if (retries > 0) task.needMore().retries = retries;
    if (onReport !== undefined) task.needMore().onReport = onReport;
    // Hand it over, and only then watch its signal and times.
    // With one worker in this thread, all tasks run in it in their order.
    if (options?.key === undefined || settings.isHere) engine.submit(task);
    else engine.submitKeyed(task, options.key);
    this.sizing.submitted();
    if (signal !== undefined || timeout !== undefined || queueTimeout !== undefined)
      watchTask(this.control, task, signal, timeout, queueTimeout);
  }

  /** Runs the function in this thread, immediately. */
  private callNow(fn: unknown, args: readonly unknown[]): unknown {
    const { statistics, settings } = this;
    try {
      const result = callHere(fn, args, settings.title);
      statistics.done++;
      return result;
    } catch (error) {
      statistics.failed++;
      throw error;
    }
  }

  private mapNow(fn: unknown, items: Iterable<unknown>, options: MapOptions = {}): unknown[] {
    const title = `${this.settings.title}: mapSync`;
    checkMapOptions(title, options, 'map');
    this.checkUsable();
    this.functions.find(fn, title);
    let first: { error: unknown } | undefined;
    const results: unknown[] = [];
    for (const item of items) {
      try {
        const value = this.callNow(fn, [item]);
        results.push(options.settled === true ? { status: 'fulfilled', value } : value);
      } catch (error) {
        if (options.settled === true) results.push({ status: 'rejected', reason: error });
        else first ??= { error };
        if (first !== undefined && options.stopOnError === true) break;
      }
    }
    if (first !== undefined) throw first.error;
    return results;
  }

  private collect(
    what: string,
    fn: unknown,
    items: unknown,
    options: MapOptions = {},
    isTuples: boolean,
    isQuiet: boolean,
  ): Collection {
    const title = `${this.settings.title}: ${what}`;
    // Check the options.
    checkMapOptions(title, options, 'map');
    options.signal?.throwIfAborted();
    const order = this.runOrder(title, fn, options, isTuples, isQuiet);
    // Make the source, the collection of results, and the run that connects them.
    const source = sourceOf(items as Iterable<unknown>, title, () => run.arrived());
    const { timeout = 0 } = options;
    const tooLong = (): Error => timedOut(title, timeout);
    const collection = new Collection(options, isQuiet, source.total, order.fn.name, tooLong);
    const run = new ItemRun(this.control, source, order, collection);
    this.runs.add(run);
    collection.start(run);
    return collection;
  }

  private stream(
    what: string,
    fn: unknown,
    items: unknown,
    options: StreamOptions = {},
    ordered: boolean,
  ): ResultStream {
    const title = `${this.settings.title}: ${what}`;
    // Check the options.
    checkMapOptions(title, options, 'imap');
    const { signal, timeout, ahead } = options;
    signal?.throwIfAborted();
    const order = this.runOrder(title, fn, options, false, false);
    // Make the source, the stream of results, and the run that connects them.
    const source = sourceOf(items as Iterable<unknown>, title, () => run.arrived());
    const stream = new ResultStream(title, ordered, ahead, () => this.control.width);
    const run = new ItemRun(this.control, source, order, stream);
    this.runs.add(run);
    stream.start(run, signal, timeout, () => timedOut(title, timeout ?? 0));
    return stream;
  }

  private runOrder(
    title: string,
    fn: unknown,
    { chunkSize, priority = 0, retries = this.settings.retries }: MapOptions,
    isTuples: boolean,
    quiet: boolean,
  ): RunOrder {
    this.checkUsable();
    for (const run of this.runs) if (run.isOver) this.runs.delete(run);
    const found = this.functions.find(fn, title);
    return { fn: found, isTuples, quiet, chunkSize, priority, retries, origin: noteOrigin(), now: now() };
  }

  /** The origin of the call, unless recording it would cost more than the task. */
  private origin(): Origin | undefined {
    if (this.calls >= FIRST_CALLS && this.engine.mean < LONG_TASK) return undefined;
    this.calls++;
    return noteOrigin();
  }

  private host(): EngineHost {
    const pool = this;
    return {
      title: this.settings.title,
      members: this.crew.members,
      concurrency: this.settings.concurrency,
      get width() {
        return pool.crew.target * pool.settings.concurrency;
      },
      ran: (member) => {
        if (!this.sizing.isTooLarge(member)) return;
        this.statistics.causes.memory++;
        this.crew.retires(member);
        this.crew.stop(member);
      },
      moved: () => {
        for (const wake of [...this.roomWaits]) wake();
      },
      settled: () => {
        this.sizing.rested();
        for (const wake of [...this.idleWaits]) wake();
      },
      heard: (member, reply) => this.heard(member, reply),
      look: () => this.look(),
      failed: (task, error, isOfWorker) =>
        isOfWorker ? withCaller(error, task.origin) : withOrigin(error, task.origin),
      broken: (error) =>
        this.break(
          new PoolBrokenError(`${this.settings.title}: broken, its memory is damaged; make another pool`, {
            cause: error,
          }),
        ),
    };
  }

  private heard(member: Member, reply: Reply): void {
    const [kind, ticket, ...rest] = reply as [number, number, ...unknown[]];
    const { engine, crew } = this;
    if (kind === REPLY.READY) {
      crew.isReady(member);
      if (crew.ready) for (const wake of [...this.readyWaits]) wake();
    } else if (kind === REPLY.BROKEN) {
      const cause: unknown = ticket;
      const why = cause instanceof Error ? cause.message.split('\n', 1)[0] : inspect(cause);
      this.break(
        new PoolBrokenError(
          `${this.settings.title}: broken, its initializer has failed (${why}); see the cause`,
          {
            cause,
          },
        ),
      );
    } else if (kind === REPLY.RETIRING) {
      this.statistics.causes.tasks++;
      crew.retires(member);
    } else if (kind === REPLY.ITEMS || kind === REPLY.ITEM_THREW) {
      engine.hearItems(member, reply);
    } else if (kind === REPLY.REPORT) {
      callBack(() => engine.taskOf(ticket)?.more?.onReport?.(rest[0]));
      callBack(() => this.emit('report', rest[0]));
    } else if (kind === REPLY.UNREADABLE) {
      takeBackUnread(engine, member, this.settings.title, ticket);
    }
  }

  /** A worker has ended. */
  private buried(member: Member): void {
    if (!member.alive) return;
    const { engine, crew, settings } = this;
    // Settle its tasks.
    try {
      settleDead(engine, member, settings.title, undefined);
    } catch (error) {
      this.break(
        new PoolBrokenError(`${settings.title}: broken, its memory is damaged; make another pool`, {
          cause: error,
        }),
      );
    }
    // Add its times to the statistics.
    this.statistics.busyBefore += member.busy;
    this.statistics.livedBefore += (now() - member.born) * settings.concurrency;
    // Report an unexpected end.
    const { exitCode } = member.child;
    const expected = member.stopping || member.state === 'retiring' || (member.killed && crew.ending);
    if (!expected) {
      this.statistics.restarts++;
      this.statistics.causes[causeOfEnd(member, engine.table)]++;
      callBack(() => this.emit('workerDied', { pid: member.id, exitCode }));
    }
    // Replace it, and hand out tasks to the others.
    crew.lose(member);
    engine.resize();
    engine.fill();
  }

  /** Looks for workers that have ended while no event can report it. */
  private look(): void {
    if (now() - this.looked < LOOK_EVERY) return;
    this.looked = now();
    for (const member of this.crew.members) {
      if (member?.alive && !member.child.isAlive()) this.buried(member);
    }
  }

  /** Breaks the pool: it can't continue. */
  private break(error: Error): void {
    if (this.reason !== undefined || this.phase === 'closed') return;
    // Keep the reason, reject all tasks, kill the workers, and wake the calls that await `ready`.
    this.reason = error as PoolBrokenError;
    this.crew.endReplacing();
    this.rejectAll('all', () => this.brokenError());
    this.crew.killAll();
    for (const wake of [...this.readyWaits]) wake();
  }

  private brokenError(): PoolBrokenError {
    const { message, cause } = this.reason!;
    return new PoolBrokenError(message, { cause });
  }

  /** @param make makes the error of a function's call */
  private rejectAll(which: 'waiting' | 'all', make: (name: string) => Error): void {
    const { engine } = this;
    const together = sameFrames();
    const error = (name: string): Error => together(() => make(name));
    // End the runs.
    for (const run of this.runs) run.fail(() => error(run.name));
    this.runs.clear();
    // Reject the tasks in the heap.
    for (let task = engine.shift(); task !== undefined; task = engine.shift())
      engine.cancelled(task, error(task.fn.name));
    // Withdraw tasks that no worker has begun; reject running ones if all are to end.
    for (const task of [...engine.tasks]) {
      if (task === undefined) continue;
      if (engine.withdraw(task)) engine.cancelled(task, error(task.fn.name));
      else if (which === 'all') engine.settle(task, false, error(task.fn.name));
    }
  }

  private async whenReady(): Promise<void> {
    const { engine, crew } = this;
    if (!crew.ready && this.reason === undefined) {
      engine.hold();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.readyWaits.delete(wake);
          resolve();
        };
        this.readyWaits.add(wake);
      });
      engine.unhold();
    }
    if (this.reason !== undefined) throw this.brokenError();
  }

  private async endInOrder(): Promise<void> {
    if (this.phase === 'open') this.phase = 'closing';
    const { engine, crew } = this;
    // Wait until no task is left.
    if (!engine.idle) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          if (!engine.idle) return;
          this.idleWaits.delete(wake);
          resolve();
        };
        this.idleWaits.add(wake);
      });
    }
    // End an imap whose results nobody reads.
    for (const run of this.runs) run.fail(() => this.unfinished(run.name, 'was closed'));
    // Stop the workers, and wait for their ends.
    crew.stopAll();
    await this.untilGone();
  }

  private async untilGone(): Promise<void> {
    for (const member of [...this.crew.members]) {
      if (member === undefined) continue;
      await member.child.join();
      this.buried(member);
    }
    this.letGo();
  }

  private letGo(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.sizing.close();
    killOnExit(this, undefined);
    this.tasks[Symbol.dispose]();
    this.array.close();
  }

  private passed(deadline: Deadline): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const { signal, remaining } = deadline;
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      if (deadline.timed) setTimeout(() => resolve(false), Math.ceil(remaining));
    });
  }

  private checkUsable(): void {
    if (this.reason !== undefined) throw this.brokenError();
    if (this.phase !== 'open') throw this.closedError('was closed');
  }

  private checkClosing(what: string): void {
    if (this.ending !== undefined) return;
    throw new StateError(
      `${this.settings.title}: can't ${what}, it is open and takes tasks; call close() or terminate() first`,
    );
  }

  private closedError(how: string): ClosedError {
    return new ClosedError(
      `${this.settings.title}: refused, the pool ${how}; submit before that, or make another pool`,
    );
  }

  private unfinished(name: string, how: string): ClosedError {
    return new ClosedError(
      `${this.settings.title}: ${name}: no result, the pool ${how} before the call was done; await the call first, or close() the pool, which lets its calls finish`,
    );
  }

  private fullError(): QueueFullError {
    const { title, maxQueue } = this.settings;
    return new QueueFullError(
      `${title}: refused, ${this.engine.waiting} tasks wait, and its maxQueue is ${maxQueue}; await room() before, or shed the load`,
    );
  }
}

function timedOut(title: string, timeout: number): TaskTimeoutError {
  return new TaskTimeoutError(
    `${title}: given up, it was not done in ${timeout} ms; give it longer, or fewer items`,
    timeout,
  );
}

/** The error with the frames of its call, behind those of the worker. */
function withCaller(error: unknown, origin: Origin | undefined): unknown {
  if (origin === undefined || !(error instanceof Error) || typeof error.stack !== 'string') return error;
  const frames = originOf(origin);
  if (frames === '' || error.stack.includes(frames)) return error;
  Object.defineProperty(error, 'stack', {
    value: `${error.stack}\n    -- in a worker, called --\n${frames}`,
    writable: true,
    enumerable: false,
    configurable: true,
  });
  return error;
}
