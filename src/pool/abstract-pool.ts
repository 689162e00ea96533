/** AbstractPool: the common part of Pool and ThreadPool, for the program that uses them. */

import { EventEmitter } from 'node:events';
import { forbidSending } from '../codec/sendable.ts';
import type { WaitOptions } from '../deadline.ts';
import { broadcast } from './broadcast.ts';
import { Calls } from './calls.ts';
import type { MakeChild, Spares } from './crew.ts';
import { ItemCalls } from './item-calls.ts';
import type { MapOptions, StreamOptions } from './map-options.ts';
import { PoolCore } from './pool-core.ts';
import { PoolLife } from './pool-life.ts';
import type { CommonPoolOptions } from './pool-options.ts';
import { PoolState } from './pool-state.ts';
import { statsOf } from './pool-stats.ts';
import type { CallRest, Fn, Items, PoolTarget, Streamable } from './pool-target.ts';
import type { PoolTask } from './pool-task.ts';
import type { Remote } from './remote.ts';
import { remoteOf } from './remote.ts';
import type { Results } from './results.ts';
import { cancelsQueued } from './settings.ts';
import { checkMayEnd, isShared } from './shared-pool.ts';
import type { PoolStats } from './statistics.ts';
import { stream } from './streams.ts';
import type { Task } from './task.ts';
import { TaskHandle } from './task.ts';
import type { GroupOptions, TaskGroup } from './task-group.ts';
import { PoolTaskGroup } from './task-group.ts';
import type { BroadcastOptions, GeneratorOptions, TaskOptions } from './task-options.ts';
import { checkTaskOptions } from './task-options.ts';
import { WorkerWatch } from './worker-watch.ts';

export abstract class AbstractPool<State, InitArgs extends readonly unknown[]>
  extends EventEmitter
  implements AsyncDisposable
{
  private readonly core: PoolCore;
  private readonly state: PoolState;
  private readonly calls: Calls;
  private readonly itemCalls: ItemCalls;
  private readonly life: PoolLife;

  /** @internal */
  protected constructor(
    kind: 'Pool' | 'ThreadPool',
    options: CommonPoolOptions<State, InitArgs>,
    count: unknown,
    make: MakeChild,
    spares?: Spares,
  ) {
    super();
    const core = new PoolCore(
      { kind, options: options as CommonPoolOptions<unknown, readonly unknown[]>, count, make, spares },
      {
        ended: (member) => watch.ended(member),
        heard: (member, reply) => watch.heard(member, reply),
        look: () => watch.look(),
        moved: () => {
          state.noteRuns();
          this.calls.moved();
        },
        grown: () => state.handOutMore(),
        rested: () => {
          state.noteRuns();
          this.life.rested();
        },
        broken: (error) => state.break(error),
        damaged: (cause) => state.damaged(cause),
      },
    );
    const state = new PoolState(core);
    const watch = new WorkerWatch(core, state, this);
    this.core = core;
    this.state = state;
    this.calls = new Calls(core, state);
    this.itemCalls = new ItemCalls(core, state, this.calls);
    this.life = new PoolLife(core, state, watch);
    forbidSending(this, `a ${kind}, which only the thread that made it can use`);
    this.life.begin();
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
      task = this.calls.newTask(fn, args, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return this.calls.started(task, options) as Promise<Awaited<Result>>;
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
    return this.calls.applySync(fn, args, options) as Awaited<Result>;
  }

  /**
   * Runs the function once in every worker that the pool has now, as soon as that worker is free.
   * Resolves to the results, one for each worker. If calls fail, or workers die, it rejects with
   * the first error, after all calls have ended; `settled` changes that.
   *
   * A worker that ends as planned before its call begins is left out. Workers that start later do
   * not run the function; use the `initializer` for those.
   *
   * @example
   * const heaps = await pool.broadcast(heapUsed);
   */
  broadcast<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    args: Readonly<NoInfer<Args>>,
    options: BroadcastOptions & { settled: true },
  ): Promise<PromiseSettledResult<Awaited<Result>>[]>;
  broadcast<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args, BroadcastOptions>
  ): Promise<Awaited<Result>[]>;
  async broadcast(fn: unknown, args?: unknown, options?: BroadcastOptions): Promise<unknown[]> {
    return await broadcast(this.core, this.calls, fn, args, options);
  }

  /** As `apply`, but returns a task that you can await, watch and cancel. */
  submit<Args extends readonly unknown[], Result>(
    fn: PoolTarget<Args, Result>,
    ...rest: CallRest<Args>
  ): Task<Awaited<Result>> {
    const [args, options] = rest;
    const task = this.calls.newTask(fn, args, options);
    return new TaskHandle(task, this.core.control, () => this.calls.begin(task, options));
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
    return await this.itemCalls.collect({ what: 'map' }, fn, items, options).result();
  }

  /** As `map`, but *blocks* this thread. The items must come from a synchronous iterable. */
  mapSync<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Iterable<Item>,
    options?: MapOptions,
  ): Awaited<Result>[] {
    return this.itemCalls.mapSync(fn, items, options) as Awaited<Result>[];
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
    return await this.itemCalls.collect({ what: 'starmap', isTuples: true }, fn, items, options).result();
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
    await this.itemCalls.collect({ what: 'each', isQuiet: true }, fn, items, options).result();
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
    return this.itemCalls.stream('imap', fn, items, options, true) as Results<Awaited<Result>>;
  }

  /** As `imap`, with each result as soon as it is there, in any order. */
  imapUnordered<Item, Result>(
    fn: PoolTarget<[item: Item], Result>,
    items: Items<Item>,
    options?: StreamOptions,
  ): Results<Awaited<Result>> {
    return this.itemCalls.stream('imapUnordered', fn, items, options, false) as Results<Awaited<Result>>;
  }

  /**
   * Runs a generator, or async generator, in a worker. Returns an iterator over the values that it
   * yields, each as soon as it is there. If you do not read them, the generator waits after `ahead`
   * values. If you leave the loop with `break`, it is stopped: its `finally` runs. Until its end it
   * occupies the worker.
   *
   * If it throws, or its worker dies, `next()` rejects after the values that came before. Throws
   * `NotSendableError`, `ClosedError`, `QueueFullError`.
   *
   * @example
   * for await (const row of pool.stream(parse, ['rows.csv'])) await db.insert(row);
   */
  stream<Args extends readonly unknown[], Value>(
    fn: PoolTarget<Args, Streamable<Value>>,
    ...rest: CallRest<Args, GeneratorOptions>
  ): Results<Awaited<Value>> {
    const [args, options] = rest;
    return stream(this.core, this.state, this.calls, fn, args, options) as Results<Awaited<Value>>;
  }

  /**
   * Resolves when all workers have started, and their initializers are done. Rejects with
   * `PoolBrokenError`.
   */
  get ready(): Promise<void> {
    return this.state.whenReady();
  }

  /**
   * Waits until fewer tasks wait than `maxQueue` allows; the event loop keeps running. Rejects with
   * `TimedOutError` at the timeout. *Cancels* by `signal`.
   */
  async room(options?: WaitOptions): Promise<void> {
    await this.calls.room(options);
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
    const title = `${this.core.title}: proxy`;
    if (options !== undefined) checkTaskOptions(title, options);
    return remoteOf(module, title, (target, args) =>
      this.apply(target as Fn<unknown[], unknown>, args, options),
    );
  }

  /**
   * Returns a group for tasks that belong together: when one of them fails, the others are
   * cancelled.
   *
   * @example
   * await using group = pool.group();
   * for (const path of paths) group.submit(resize, [path]);
   * await group.done();
   */
  group(options?: GroupOptions): TaskGroup {
    const title = `${this.core.title}: group`;
    if (options !== undefined) checkTaskOptions(title, options);
    const submit = (fn: unknown, args: unknown, taskOptions: TaskOptions | undefined): Task<unknown> =>
      this.submit(fn as Fn<unknown[], unknown>, args as unknown[], taskOptions);
    return new PoolTaskGroup(title, submit, options);
  }

  /** Counts and times of the pool's tasks and workers. */
  get stats(): PoolStats {
    return statsOf(this.core);
  }

  /** The number of living workers. */
  get size(): number {
    return this.core.crew.size;
  }

  /**
   * Closes the pool: it takes no more tasks. Resolves when all its tasks are done, the finalizers
   * have run, and all workers have ended. With `cancelQueued: true`, waiting tasks reject with
   * `ClosedError`. Idempotent.
   */
  async close(options: { cancelQueued?: boolean } = {}): Promise<void> {
    checkMayEnd(this, this.core.title, 'close');
    await this.life.close(cancelsQueued(this.core.title, options));
  }

  /**
   * Kills the workers immediately: every unfinished task rejects with `ClosedError`. Idempotent.
   */
  async terminate(): Promise<void> {
    checkMayEnd(this, this.core.title, 'terminate');
    await this.life.terminate();
  }

  /**
   * Waits until a closed or terminated pool has ended; the event loop keeps running. Resolves to
   * `true`, or to `false` at the timeout. Rejects with `StateError` before `close()`.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    checkMayEnd(this, this.core.title, 'join');
    return await this.life.join(options);
  }

  /** As `join`, but *blocks* this thread. */
  joinSync(options?: WaitOptions): boolean {
    checkMayEnd(this, this.core.title, 'joinSync');
    return this.life.joinSync(options);
  }

  /**
   * Ends the pool: waiting tasks reject, running tasks are asked to stop, and killed after
   * `grace`. Workers that have not ended `grace` milliseconds after the last task, with their
   * finalizer, are killed, too. A shared pool stays as it is.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!isShared(this)) await this.life.leave();
  }

  /** @internal */
  get isUsable(): boolean {
    return this.state.isUsable;
  }

  /** One line with the pool's state. */
  override toString(): string {
    const { title, crew, engine } = this.core;
    const tasks = `${engine.handOut.inFlight} of ${engine.settling.pending} tasks handed out`;
    return `<${title} ${crew.size} workers, ${tasks}${this.state.shown}>`;
  }
}
