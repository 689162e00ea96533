/**
 * Clock: the time and the timers, out of reach of fakes.
 *
 * Test frameworks replace `performance`, `setTimeout` and their kin, and then time stands still
 * until the test moves it on. Nobody moves it on while the thread blocks, so a wait would never
 * end. Lockstep takes clock and timers when it is loaded, so a fake that is installed later has no
 * effect. An earlier fake is detected, because its timers are not Node's. Lockstep then uses the
 * timers of `scheduler.wait`: that method of the prototype uses Node's built-in timers. The clock
 * is the prototype's, too.
 *
 * All of `src` imports them as `#clock`; the linter refuses the global ones.
 */

type Act = () => void;
type Timer = NodeJS.Timeout | NodeJS.Immediate;

// The built-in modules themselves, even if a hook of require() replaces imports.
const { performance } = process.getBuiltinModule('node:perf_hooks');
const timers = process.getBuiltinModule('node:timers');
const { scheduler } = process.getBuiltinModule('node:timers/promises');
const clock = Object.getPrototypeOf(performance) as typeof performance;
const waiter = Object.getPrototypeOf(scheduler) as typeof scheduler;
const { nodeTiming } = performance;
const settled = Promise.resolve();

/** Milliseconds since this thread began. It never goes back. */
export const now: () => number = clock.now.bind(performance);

const origin = Number(Reflect.get(clock, 'timeOrigin', performance));

/** Milliseconds since 1970, as they stand in a file's times. */
export function wallTime(): number {
  return origin + now();
}

/** The system's time of day. It goes on while the machine sleeps, and may be set. */
export const timeOfDay: () => number = Date.now;

/** A timer made of `scheduler.wait`. */
class WaitingTimer {
  private readonly act: Act;
  private readonly milliseconds: number;
  private readonly repeats: boolean;
  private due: number;
  private refed = true;
  /** Gives the present wait up; `undefined` when it is over. */
  private wait: AbortController | undefined;

  constructor(act: Act, milliseconds: number, repeats: boolean) {
    this.act = act;
    this.milliseconds = Math.max(1, milliseconds);
    this.repeats = repeats;
    this.due = now() + this.milliseconds;
    this.arm();
  }

  ref(): this {
    return this.keepAlive(true);
  }

  unref(): this {
    return this.keepAlive(false);
  }

  hasRef(): boolean {
    return this.refed && this.wait !== undefined;
  }

  cancel(): void {
    this.wait?.abort();
    this.wait = undefined;
  }

  private keepAlive(refed: boolean): this {
    if (this.refed === refed) return this;
    this.refed = refed;
    if (this.wait !== undefined) this.arm();
    return this;
  }

  private arm(): void {
    this.wait?.abort();
    const wait = new AbortController();
    this.wait = wait;
    const options = { ref: this.refed, signal: wait.signal };
    const left = Math.max(1, Math.ceil(this.due - now()));
    waiter.wait.call(scheduler, left, options).then(
      () => {
        if (this.wait === wait) this.fire();
      },
      () => {
        // The wait was given up, by `cancel` or for a new wait.
      },
    );
  }

  private fire(): void {
    this.wait = undefined;
    if (this.repeats) {
      this.due = now() + this.milliseconds;
      this.arm();
    }
    this.act();
  }
}

/** An immediate made of `scheduler.yield`. */
class WaitingImmediate {
  private cancelled = false;

  constructor(act: Act) {
    void waiter.yield.call(scheduler).then(() => {
      if (!this.cancelled) act();
    });
  }

  /** Nothing to do: the immediate is over within a turn of the event loop. */
  unref(): this {
    return this;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

function isFake(): boolean {
  const count = (): number => process.getActiveResourcesInfo().length;
  const before = count();
  const timer = timers.setTimeout(() => {}, 1);
  const immediate = timers.setImmediate(() => {});
  const made = count() - before;
  timers.clearTimeout(timer);
  timers.clearImmediate(immediate);
  return made !== 2;
}

const real = isFake() ? undefined : { ...timers };

function cancel(timer: unknown): void {
  if (timer instanceof WaitingTimer || timer instanceof WaitingImmediate) timer.cancel();
}

export const setTimeout: (act: Act, milliseconds: number) => NodeJS.Timeout =
  real?.setTimeout ??
  ((act, milliseconds) => new WaitingTimer(act, milliseconds, false) as unknown as NodeJS.Timeout);

export const setInterval: (act: Act, milliseconds: number) => NodeJS.Timeout =
  real?.setInterval ??
  ((act, milliseconds) => new WaitingTimer(act, milliseconds, true) as unknown as NodeJS.Timeout);

export const setImmediate: (act: Act) => NodeJS.Immediate =
  real?.setImmediate ?? ((act) => new WaitingImmediate(act) as unknown as NodeJS.Immediate);

export const clearTimeout: (timer: Timer | undefined) => void = (real?.clearTimeout as never) ?? cancel;
export const clearInterval: (timer: Timer | undefined) => void = (real?.clearInterval as never) ?? cancel;
export const clearImmediate: (timer: Timer | undefined) => void = (real?.clearImmediate as never) ?? cancel;

/** How often this thread's event loop has turned. */
export function turnsOfLoop(): number {
  return nodeTiming.uvMetricsInfo.loopCount;
}

/** Calls it when the running code has returned, before any event. */
export function queueMicrotask(act: Act): void {
  void settled.then(act);
}
