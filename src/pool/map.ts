/** Map: one function over many items, with all results at the end. */

import { queueMicrotask } from '#clock';
import { onAbort } from '../aborts.ts';
import type { Alarm, Alarms } from './alarms.ts';
import type { ItemRun } from './item-run.ts';
import type { MapOptions } from './map-options.ts';
import type { ProgressOptions } from './progress.ts';
import { Meter } from './progress.ts';
import type { RunTarget } from './run-order.ts';
import type { CallOutcome } from './tracing.ts';

/** Results for which the array is made at once. V8 makes longer ones as hash tables. */
const MOST_AT_ONCE = 32 * 1024 * 1024;

/** Collects the outcomes of one map's items. */
export class Collection implements RunTarget {
  private readonly results: unknown[];
  private readonly options: MapOptions;
  private readonly isQuiet: boolean;
  private readonly timedOut: () => Error;
  private readonly meter: Meter | undefined;
  private run: ItemRun | undefined;
  private first: { error: unknown } | undefined;
  /** Whether the run was stopped after an error. */
  private stops = false;
  private outcome: { ok: boolean; value: unknown } | undefined;
  private onOutcome: ((outcome: { ok: boolean; value: unknown }) => void) | undefined;
  /** Reports the outcome to monitors. */
  onEnd: ((outcome: CallOutcome) => void) | undefined;
  private ignoreAbort: (() => void) | undefined;
  private timer: Alarm | undefined;
  private readonly alarms: Alarms;

  constructor(
    options: MapOptions,
    isQuiet: boolean,
    total: number | undefined,
    title: string,
    alarms: Alarms,
    timedOut: () => Error,
  ) {
    this.options = options;
    this.alarms = alarms;
    this.isQuiet = isQuiet;
    this.results = isQuiet || total === undefined || total > MOST_AT_ONCE ? [] : new Array<unknown>(total);
    this.timedOut = timedOut;
    this.meter = Meter.of(options as ProgressOptions, total, title, alarms);
  }

  /** Begins. */
  start(run: ItemRun): void {
    const { signal, timeout } = this.options;
    this.run = run;
    if (signal !== undefined) this.ignoreAbort = onAbort(signal, () => this.giveUp(() => signal.reason));
    if (timeout !== undefined) this.timer = this.alarms.set(timeout, () => this.giveUp(this.timedOut));
    this.meter?.start(() => ({ done: run.done, failed: run.failed }));
    run.pump();
  }

  get isOver(): boolean {
    return this.outcome !== undefined;
  }

  /** The results; rejects with the first error. */
  result(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = ({ ok, value }: { ok: boolean; value: unknown }): void =>
        ok ? resolve(value) : reject(value);
      if (this.outcome !== undefined) settle(this.outcome);
      else this.onOutcome = settle;
    });
  }

  /** The same, for a map that is over. Throws the first error. */
  resultNow(): unknown {
    const { ok, value } = this.outcome!;
    if (!ok) throw value;
    return value;
  }

  get isLive(): boolean {
    return this.meter !== undefined;
  }

  room(): number {
    return Number.POSITIVE_INFINITY;
  }

  items(from: number, values: readonly unknown[]): void {
    const { results } = this;
    this.fillUpTo(from);
    if (this.options.settled === true)
      for (let n = 0; n < values.length; n++) results[from + n] = { status: 'fulfilled', value: values[n] };
    else for (let n = 0; n < values.length; n++) results[from + n] = values[n];
  }

  failed(index: number, error: unknown): void {
    const { settled = false, stopOnError = false } = this.options;
    if (settled) {
      this.fillUpTo(index);
      this.results[index] = { status: 'rejected', reason: error };
      return;
    }
    this.first ??= { error };
    // Stop it a little later, because the run is just reporting this item.
    if (stopOnError) queueMicrotask(() => this.stopAfterError());
  }

  /**
   * Fills the gap before a chunk that has come early. V8 stores an array with a gap of a thousand
   * items as a hash table, which is five times slower. The results of the gap come later.
   */
  private fillUpTo(index: number): void {
    while (this.results.length < index) this.results.push(0);
  }

  /**
   * Stops the run if `stopOnError` says so and an item has failed. A thread that blocks calls this
   * between its reads, because no microtask runs meanwhile.
   */
  stopAfterError(): void {
    const { first, run } = this;
    if (first === undefined || this.stops || this.options.stopOnError !== true) return;
    this.stops = true;
    run?.stop(() => first.error, true);
  }

  quiet(): void {}

  ended(failure: { error: unknown } | undefined): void {
    const first = this.first ?? failure;
    if (first !== undefined) {
      this.end(false, first.error);
      return;
    }
    // The program may have shortened the list meanwhile.
    if (this.results.length > this.run!.done) this.results.length = this.run!.done;
    this.end(true, this.isQuiet ? undefined : this.results);
  }

  private giveUp(reason: () => unknown): void {
    if (this.outcome !== undefined) return;
    const why = reason();
    this.end(false, why);
    this.run?.stop(() => why);
  }

  private end(ok: boolean, value: unknown): void {
    if (this.outcome !== undefined) return;
    this.ignoreAbort?.();
    this.alarms.clear(this.timer);
    this.meter?.stop();
    this.outcome = { ok, value };
    this.onEnd?.(ok ? { result: value } : { error: value });
    this.onOutcome?.(this.outcome);
  }
}
