/** Item calls: the calls of one function for many items, each of which begins an item run. */

import { now } from '#park';
import { Deadline } from '../deadline.ts';
import { InvalidTypeError, TaskTimeoutError } from '../errors.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import type { Calls } from './calls.ts';
import { ItemRun } from './item-run.ts';
import { Collection } from './map.ts';
import type { MapOptions, StreamOptions } from './map-options.ts';
import { checkMapOptions } from './map-options.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolState } from './pool-state.ts';
import type { ProgressOptions } from './progress.ts';
import { Meter } from './progress.ts';
import { ResultStream } from './results.ts';
import type { RunOrder, RunTarget } from './run-order.ts';
import type { Source } from './sources.ts';
import { sourceOf } from './sources.ts';
import type { CallOutcome } from './tracing.ts';
import { CallTrace } from './tracing.ts';

/** The kind of a call with items. */
export interface ItemCall {
  /** The name of the method, for messages. */
  readonly what: string;
  /** Each item is an array of all arguments. */
  readonly isTuples?: boolean;
  /** The results are not wanted. */
  readonly isQuiet?: boolean;
}

/** A target that reports its outcome to monitors. */
type FollowedTarget = RunTarget & { onEnd: ((outcome: CallOutcome) => void) | undefined };

export class ItemCalls {
  private readonly core: PoolCore;
  private readonly state: PoolState;
  private readonly calls: Calls;

  constructor(core: PoolCore, state: PoolState, calls: Calls) {
    this.core = core;
    this.state = state;
    this.calls = calls;
  }

  /** Begins a call whose results come together. Throws the errors of wrong options. */
  collect(call: ItemCall, fn: unknown, items: unknown, options: MapOptions = {}): Collection {
    const title = `${this.core.title}: ${call.what}`;
    // Check the options.
    checkMapOptions(title, options, 'map');
    options.signal?.throwIfAborted();
    const order = this.runOrder(title, fn, options, call);
    // Make the source, the collection of results, and the run that connects them.
    const source = sourceOf(items as Iterable<unknown>, title, () => run.arrived());
    const { timeout = 0 } = options;
    const tooLong = (): Error => timedOut(title, timeout, order);
    const collection = new Collection(
      options,
      order.quiet,
      source.total,
      order.fn.name,
      this.core.alarms,
      tooLong,
    );
    const run = this.begin(call.what, source, order, collection, (made) => collection.start(made));
    return collection;
  }

  /** Begins a call whose results come one by one. Throws the errors of wrong options. */
  stream(
    what: string,
    fn: unknown,
    items: unknown,
    options: StreamOptions = {},
    ordered: boolean,
  ): ResultStream {
    const title = `${this.core.title}: ${what}`;
    // Check the options.
    checkMapOptions(title, options, 'imap');
    const { signal, timeout, ahead } = options;
    signal?.throwIfAborted();
    const order = this.runOrder(title, fn, options, { what });
    // Make the source, the stream of results, and the run that connects them.
    const { control } = this.core;
    const source = sourceOf(items as Iterable<unknown>, title, () => run.arrived());
    const stream = new ResultStream(title, ordered, ahead, () => control.width);
    const tooLong = (): Error => timedOut(title, timeout ?? 0, order);
    const run = this.begin(what, source, order, stream, (made) =>
      stream.start(made, signal, timeout, tooLong),
    );
    return stream;
  }

  /** See `AbstractPool.mapSync`. */
  mapSync(fn: unknown, items: Iterable<unknown>, options?: MapOptions): unknown[] {
    const { title, settings, engine } = this.core;
    const isLater = Symbol.asyncIterator in Object(items) && !(Symbol.iterator in Object(items));
    if (isLater) {
      throw new InvalidTypeError(
        `${title}: mapSync refused, its items come asynchronously, and this thread would block; use map`,
      );
    }
    if (settings.isHere) return this.mapHere(fn, items, options);
    const collection = this.collect({ what: 'mapSync' }, fn, items, options);
    const over = (): boolean => {
      collection.stopAfterError();
      return collection.isOver;
    };
    engine.reading.block(over, Deadline.NEVER);
    return collection.resultNow() as unknown[];
  }

  /** Runs everything in this thread, immediately. */
  private mapHere(fn: unknown, items: Iterable<unknown>, options: MapOptions = {}): unknown[] {
    const title = `${this.core.title}: mapSync`;
    checkMapOptions(title, options, 'map');
    options.signal?.throwIfAborted();
    this.state.checkUsable();
    const { name } = this.core.functions.find(fn, title);
    const trace = CallTrace.of(this.core.title, 'mapSync', name);
    const call = (): unknown[] => this.mapAll(fn, name, items, options);
    return trace === undefined ? call() : (trace.now(call) as unknown[]);
  }

  private mapAll(fn: unknown, name: string, items: Iterable<unknown>, options: MapOptions): unknown[] {
    const title = `${this.core.title}: mapSync`;
    const counts = { done: 0, failed: 0 };
    const { alarms } = this.core;
    const { total } = sourceOf(items, title, () => {});
    const meter = Meter.of(options as ProgressOptions, total, name, alarms);
    meter?.start(() => counts);
    let first: { error: unknown } | undefined;
    const results: unknown[] = [];
    try {
      for (const item of items) {
        counts.done++;
        try {
          const value = this.calls.callNow(fn, [item]);
          results.push(options.settled === true ? { status: 'fulfilled', value } : value);
        } catch (error) {
          counts.failed++;
          if (options.settled === true) results.push({ status: 'rejected', reason: error });
          else first ??= { error };
          if (first !== undefined && options.stopOnError === true) break;
        }
        alarms.ringDue();
      }
    } finally {
      meter?.stop();
    }
    if (first !== undefined) throw first.error;
    return results;
  }

  private runOrder(title: string, fn: unknown, options: MapOptions, call: ItemCall): RunOrder {
    const { functions, settings } = this.core;
    const { chunkSize, priority = 0, retries = settings.retries } = options;
    const { isTuples = false, isQuiet: quiet = false } = call;
    this.state.checkUsable();
    const found = functions.find(fn, title);
    return { fn: found, isTuples, quiet, chunkSize, priority, retries, origin: noteOrigin(), now: now() };
  }

  /**
   * Makes a run, which ends with the pool, and begins it. Throws the errors of the program's
   * `capture`.
   */
  private begin(
    what: string,
    source: Source,
    order: RunOrder,
    target: FollowedTarget,
    start: (run: ItemRun) => void,
  ): ItemRun {
    const { core, state } = this;
    const trace = CallTrace.of(core.title, what, order.fn.name);
    let run!: ItemRun;
    const go = (): void => {
      run = new ItemRun(core.control, source, order, target, core.context?.take(order.fn));
      state.follow(run, what, order.fn, source.total);
      start(run);
    };
    if (trace === undefined) go();
    else {
      target.onEnd = (outcome) => {
        const { done, failed } = run;
        trace.ended({ done, failed, ...outcome }, () => {});
      };
      trace.begin(go);
    }
    return run;
  }
}

function timedOut(title: string, timeout: number, { origin }: RunOrder): TaskTimeoutError {
  const error = new TaskTimeoutError(
    `${title}: given up, it was not done in ${timeout} ms; give it longer, or fewer items`,
    timeout,
  );
  return withOrigin(error, origin);
}
