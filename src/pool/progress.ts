/** Progress: reports a map's progress ten times a second, and draws it as a bar on a terminal. */

import { AsyncResource } from 'node:async_hooks';
import { now } from '#clock';
import type { Alarm, Alarms } from './alarms.ts';
import type { BarState } from './bar.ts';
import type { DrawnBar } from './bars.ts';
import { Bars } from './bars.ts';
import { callBack } from './callbacks.ts';
import type { Progress } from './map-options.ts';

/** Milliseconds between two reports. */
const INTERVAL = 100;

export interface ProgressOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly progress?: boolean | { readonly label?: string } | undefined;
}

const bars = new Bars(() => process.stderr);

export class Meter {
  private readonly total: number | undefined;
  private readonly tell: ((progress: Progress) => void) | undefined;
  private readonly label: string | undefined;
  private bar: DrawnBar | undefined;
  private began = 0;
  private shown: BarState;
  private readonly alarms: Alarms;
  private timer: Alarm | undefined;
  private read: () => { done: number; failed: number } = () => ({ done: 0, failed: 0 });

  private constructor(
    total: number | undefined,
    tell: ((progress: Progress) => void) | undefined,
    label: string | undefined,
    alarms: Alarms,
  ) {
    this.alarms = alarms;
    this.total = total;
    this.tell = tell;
    this.shown = { value: 0, total, remaining: undefined };
    this.label = label;
  }

  /** `undefined` if no progress is wanted. `title` is the default label of the bar. */
  static of(
    { onProgress, progress = false }: ProgressOptions,
    total: number | undefined,
    title: string,
    alarms: Alarms,
  ): Meter | undefined {
    const draws = progress !== false && process.stderr.isTTY && !process.env.CI;
    if (onProgress === undefined && !draws) return undefined;
    const label = typeof progress === 'object' ? (progress.label ?? title) : title;
    // The listener runs in the context of the call.
    const tell = onProgress === undefined ? undefined : AsyncResource.bind(onProgress);
    return new Meter(total, tell, draws ? label : undefined, alarms);
  }

  start(read: () => { done: number; failed: number }): void {
    this.read = read;
    this.began = now();
    if (this.label !== undefined) this.bar = bars.begin(this.label, () => this.shown);
    this.again();
  }

  private again(): void {
    const report = (): void => {
      this.report();
      this.again();
    };
    this.timer = this.alarms.set(INTERVAL, report, true);
  }

  stop(): void {
    this.alarms.clear(this.timer);
    this.report();
    this.bar?.stop();
  }

  private report(): void {
    const { done, failed } = this.read();
    const { total } = this;
    const elapsed = now() - this.began;
    const rate = elapsed > 0 ? (done / elapsed) * 1000 : 0;
    const remaining = total === undefined || rate === 0 ? undefined : ((total - done) / rate) * 1000;
    this.shown = { value: done, total, remaining };
    this.bar?.draw();
    callBack(() => this.tell?.({ done, total, failed, rate, elapsed, remaining }));
  }
}
