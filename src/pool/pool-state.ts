/**
 * Pool state: whether the pool takes tasks, and what becomes of its tasks when it no longer does.
 *
 *   open ── close, terminate, end of scope ──▶ closing ── all workers have ended ──▶ closed
 *     └──── its initializer fails, its memory is damaged, … ──▶ broken, until it is closed
 */

import { ClosedError, PoolBrokenError } from '../errors.ts';
import type { Origin } from '../stacks.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import type { PoolFunction } from './function-list.ts';
import type { PoolCore } from './pool-core.ts';
import type { PoolTask } from './pool-task.ts';
import { SameFrames } from './same-frames.ts';

/** Calls that may go on after their tasks: maps and streams. */
export interface Run {
  readonly name: string;
  /** Number of items that have an outcome. */
  readonly done: number;
  readonly isOver: boolean;
  /** Where the call began. */
  readonly origin: Origin | undefined;
  fail(error: () => Error): void;
  /** A map: hands out more of its items, as far as there is room. */
  pump?(): void;
  /** A stream: nobody reads it if it has no credit now. */
  rest?(): void;
}

export class PoolState {
  phase: 'open' | 'closing' | 'closed' = 'open';
  private reason: PoolBrokenError | undefined;
  private readonly core: PoolCore;
  /** Maps and streams that may still be running. */
  private readonly runs = new Set<Run>();
  /** Those that observers see, by their places. */
  private readonly noted = new Map<number, Run>();
  private readonly readyWaits = new Set<() => void>();

  constructor(core: PoolCore) {
    this.core = core;
  }

  /** Whether the pool takes tasks. */
  get isUsable(): boolean {
    return this.reason === undefined && this.phase === 'open';
  }

  /** The state as it is shown behind the numbers of a pool. */
  get shown(): string {
    if (this.reason !== undefined) return ' broken';
    return this.phase === 'open' ? '' : ` ${this.phase}`;
  }

  /**
   * Throws `PoolBrokenError` and `ClosedError`.
   *
   * @param origin where a call began that has waited meanwhile
   */
  checkUsable(origin?: Origin): void {
    if (this.reason !== undefined) throw withOrigin(this.brokenError(), origin);
    if (this.phase === 'open') return;
    const error = new ClosedError(
      `${this.core.title}: refused, the pool was closed; submit before that, or make another pool`,
    );
    throw withOrigin(error, origin);
  }

  /** Takes no more tasks. */
  close(): void {
    if (this.phase === 'open') this.phase = 'closing';
  }

  /** Breaks the pool: it can't continue. */
  break(error: Error): void {
    if (this.reason !== undefined || this.phase === 'closed') return;
    // Keep the reason, reject all tasks, kill the workers, and wake the calls that await `ready`.
    this.reason = error as PoolBrokenError;
    this.core.crew.endReplacing();
    this.rejectAll('all', () => this.brokenError());
    this.core.crew.killAll();
    this.workersAreReady();
  }

  damaged(cause: unknown): void {
    const why = 'broken, its memory is damaged; make another pool';
    this.break(new PoolBrokenError(`${this.core.title}: ${why}`, { cause }));
  }

  /**
   * The map or stream ends with the pool.
   *
   * @param what the method that was called
   * @param total number of items, if known
   */
  follow(run: Run, what: string, { key }: PoolFunction, total?: number): void {
    for (const each of this.runs) if (each.isOver) this.runs.delete(each);
    this.runs.add(run);
    this.noteRuns();
    const place = this.core.observed.beginCall(what, key, total);
    if (place >= 0) this.noted.set(place, run);
  }

  /** Notes for observers outside how far the maps and streams are. */
  noteRuns(): void {
    for (const [place, run] of this.noted) {
      if (!run.isOver) this.core.observed.noteDone(place, run.done);
      else {
        this.core.observed.endCall(place);
        this.noted.delete(place);
      }
    }
  }

  /** There are more workers: the maps that run have work for them. */
  handOutMore(): void {
    for (const run of this.runs) run.pump?.();
  }

  /** Ends the maps and streams that still run. */
  endRuns(error: (name: string) => Error): void {
    for (const run of this.runs) run.fail(() => withOrigin(error(run.name), run.origin));
  }

  /**
   * Rejects the tasks that wait, or all tasks.
   *
   * @param make makes the error of a function's call
   */
  rejectAll(which: 'waiting' | 'all', make: (name: string) => Error): void {
    const { handOut, settling } = this.core.engine;
    const together = new SameFrames();
    const errorOf = (task: PoolTask): Error => together.ofTask(() => make(task.fn.name), task);
    // End the runs.
    for (const run of this.runs) run.fail(() => together.ofRun(() => make(run.name), run.origin));
    this.runs.clear();
    // Reject the tasks in the heap.
    for (let task = handOut.shift(); task !== undefined; task = handOut.shift())
      settling.cancelled(task, errorOf(task));
    // Withdraw tasks that no worker has begun; reject running ones if all are to end.
    for (const task of [...handOut.tasks]) {
      if (task === undefined) continue;
      if (handOut.withdraw(task)) settling.cancelled(task, errorOf(task));
      else if (which === 'all') settling.settle(task, false, errorOf(task), false, false);
    }
  }

  /** Whether no task is left, in a thread that blocks, where nobody can read a stream. */
  isIdleBlocking(): boolean {
    for (const run of this.runs) run.rest?.();
    return this.core.engine.idle;
  }

  /** The error of a call that is not done when the pool ends. */
  unfinished(name: string, how: string): ClosedError {
    return new ClosedError(
      `${this.core.title}: ${name}: no result, the pool ${how} before the call was done; await the call first, or close() the pool, which lets its calls finish`,
    );
  }

  /** Resolves when all workers are ready. Rejects with `PoolBrokenError`. */
  async whenReady(): Promise<void> {
    const { engine, crew } = this.core;
    let origin: Origin | undefined;
    if (!crew.ready && this.reason === undefined) {
      origin = noteOrigin();
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
    if (this.reason !== undefined) throw withOrigin(this.brokenError(), origin);
  }

  /** Wakes the calls that await `ready`. */
  workersAreReady(): void {
    for (const wake of [...this.readyWaits]) wake();
  }

  private brokenError(): PoolBrokenError {
    const { message, cause } = this.reason!;
    return new PoolBrokenError(message, { cause });
  }
}
