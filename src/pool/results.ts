/**
 * Results: the values of an `imap`, one after the other, as they are read.
 *
 * Written by hand, because a generator is over after the first error that it throws. `for await`
 * does not call `return()` when `next()` rejects. So after an error no more items are taken from
 * the source until the reader asks for the next result.
 */

import { clearTimeout, setTimeout } from '#clock';
import { onAbort } from '../aborts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { ClosedError, TimedOutError } from '../errors.ts';
import { showAsText } from '../readable.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import type { RunTarget } from './run-order.ts';
import type { CallOutcome } from './tracing.ts';

/** The results of `imap` and `imapUnordered`, and the values of `stream`. */
export interface Results<Result> extends AsyncIterableIterator<Result>, AsyncDisposable {
  /**
   * The next result. Rejects with the error of its item; the next call then goes on with the next
   * item. Rejects with `TimedOutError` at the timeout; the next call then waits for the same
   * result.
   */
  next(options?: WaitOptions): Promise<IteratorResult<Result, undefined>>;
  /**
   * Ends the iteration: no more items are taken from the source, and running tasks are asked to
   * stop. Waits until the source or the generator has closed, at most for the pool's `grace`.
   * Rejects with the error that it throws then.
   */
  return(): Promise<IteratorResult<Result, undefined>>;
}

/** The source of the results: an item run, or a stream run. */
export interface ResultSource {
  readonly isOver: boolean;
  readonly chunkSize: number;
  /** Results were read. */
  pump(): void;
  stop(reason: () => unknown): void;
  sourceClosed(): Promise<void>;
}

/** The results as their source sees them. */
export interface ResultTarget extends Pick<RunTarget, 'room' | 'ended'> {
  item(index: number, value: unknown): void;
}

interface Outcome {
  readonly ok: boolean;
  readonly value: unknown;
}

interface Asker {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (reason: unknown) => void;
  readonly letGo: () => void;
}

/** Most items that are taken before their results are read, without `ahead`. */
const MOST_AHEAD = 4096;
const END: IteratorResult<unknown, undefined> = { done: true, value: undefined };

export class ResultStream implements Results<unknown>, RunTarget, ResultTarget {
  readonly isLive = true;
  private readonly title: string;
  private readonly ordered: boolean;
  private readonly ahead: number | undefined;
  private readonly width: () => number;
  /** Unread results, by index if their order matters. */
  private readonly come = new Map<number, Outcome>();
  private askers: Asker[] = [];
  private read = 0;
  private run: ResultSource | undefined;
  private paused = false;
  /** Reports the outcome to monitors. */
  onEnd: ((outcome: CallOutcome) => void) | undefined;
  private failure: { error: unknown } | undefined;
  private ignoreAbort: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(title: string, ordered: boolean, ahead: number | undefined, width: () => number) {
    this.title = title;
    this.ordered = ordered;
    this.ahead = ahead;
    this.width = width;
  }

  /** One line on its state. */
  toString(): string {
    return `<Results of ${this.title}: ${this.read} read>`;
  }

  /** Begins. */
  start(
    run: ResultSource,
    signal: AbortSignal | undefined,
    timeout?: number,
    timedOut: () => unknown = () => undefined,
  ): void {
    this.run = run;
    if (signal !== undefined) this.ignoreAbort = onAbort(signal, () => this.giveUp(() => signal.reason));
    if (timeout !== undefined && timeout <= 0x7fffffff)
      this.timer = setTimeout(() => this.giveUp(timedOut), timeout);
    run.pump();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  next(options?: WaitOptions): Promise<IteratorResult<unknown, undefined>> {
    return new Promise((resolve, reject) => {
      const deadline = Deadline.begin(options);
      const outcome = this.askers.length === 0 ? this.take() : undefined;
      this.paused = false;
      if (outcome !== undefined) {
        if (outcome.ok) resolve({ done: false, value: outcome.value });
        else this.refuse(reject, outcome.value);
        this.goOn();
        return;
      }
      if (this.run!.isOver) {
        this.end(resolve, reject);
        return;
      }
      this.askers.push(this.asker(resolve, reject, deadline));
      this.goOn();
    });
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.failure = undefined;
    this.come.clear();
    this.run!.stop(
      () => new ClosedError(`${this.title}: given up, no code reads its results; no action is needed`),
    );
    this.answerEnd();
    await this.run!.sourceClosed();
    return END;
  }

  // The run's questions and reports.

  room(pulled: number): number {
    if (this.paused) return 0;
    const { chunkSize } = this.run!;
    const width = this.width();
    const ahead = this.ahead ?? Math.max(width + 1, Math.min(MOST_AHEAD, 2 * width * chunkSize));
    return ahead - (pulled - this.read);
  }

  item(index: number, value: unknown): void {
    this.come.set(index, { ok: true, value });
    this.answer();
  }

  items(from: number, values: readonly unknown[]): void {
    for (let n = 0; n < values.length; n++) this.come.set(from + n, { ok: true, value: values[n] });
    this.answer();
  }

  failed(index: number, error: unknown): void {
    this.come.set(index, { ok: false, value: error });
    this.answer();
  }

  quiet(): void {}

  ended(failure: { error: unknown } | undefined): void {
    // Reject with the reason of the end rather than with an error of the source.
    this.failure ??= failure;
    this.ignoreAbort?.();
    clearTimeout(this.timer);
    this.onEnd?.(this.failure);
    this.answer();
    this.answerEnd();
  }

  private giveUp(reason: () => unknown): void {
    const why = reason();
    this.come.clear();
    // The waiting readers are answered within stop().
    this.failure = { error: why };
    this.run!.stop(() => why);
    this.answerEnd();
  }

  /** More may be taken from the source. */
  private goOn(): void {
    this.run!.pump();
  }

  private take(): Outcome | undefined {
    const key = this.ordered ? this.read : (this.come.keys().next().value ?? -1);
    const outcome = this.come.get(key);
    if (outcome === undefined) return undefined;
    this.come.delete(key);
    this.read++;
    return outcome;
  }

  private answer(): void {
    while (this.askers.length > 0) {
      const outcome = this.take();
      if (outcome === undefined) return;
      const asker = this.askers.shift()!;
      asker.letGo();
      if (outcome.ok) asker.resolve({ done: false, value: outcome.value });
      else this.refuse(asker.reject, outcome.value);
    }
  }

  private refuse(reject: (reason: unknown) => void, error: unknown): void {
    this.paused = this.askers.length === 0;
    reject(error);
  }

  private answerEnd(): void {
    if (!this.run!.isOver) return;
    for (const { resolve, reject, letGo } of this.askers.splice(0)) {
      letGo();
      this.end(resolve, reject);
    }
  }

  private end(resolve: Asker['resolve'], reject: Asker['reject']): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure === undefined) resolve(END);
    else reject(failure.error);
  }

  private asker(resolve: Asker['resolve'], reject: Asker['reject'], deadline: Deadline): Asker {
    let timer: NodeJS.Timeout | undefined;
    let ignore: (() => void) | undefined;
    const leave = (): void => {
      asker.letGo();
      this.askers = this.askers.filter((each) => each !== asker);
    };
    const asker: Asker = {
      resolve,
      reject,
      letGo: () => {
        clearTimeout(timer);
        ignore?.();
      },
    };
    const { signal, timed, remaining } = deadline;
    if (timed) {
      const origin = noteOrigin();
      timer = setTimeout(() => {
        leave();
        const error = new TimedOutError(
          `${this.title}: no result within the timeout of next(); ask again, the result is not lost`,
        );
        reject(withOrigin(error, origin));
      }, Math.ceil(remaining));
    }
    if (signal !== undefined) {
      ignore = onAbort(signal, () => {
        leave();
        reject(signal.reason);
      });
    }
    return asker;
  }
}

showAsText(ResultStream);
