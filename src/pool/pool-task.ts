/** Pool task: one task as the pool keeps it, from the call until it no longer runs. */

import type { Origin } from '../stacks.ts';
import type { Alarm } from './alarms.ts';
import type { PoolFunction } from './function-list.ts';
import type { TaskMessage } from './messages.ts';
import type { Sealed } from './sealed.ts';
import type { Cargo } from './transfers.ts';

/** Tasks that belong together have the same key. A symbol: the task is pinned to its worker. */
export type TaskKey = string | number | symbol;

/** An item that its worker may have died of. */
export interface LostItem {
  /** Its number in the chunk. */
  readonly index: number;
  /** How many other items of the chunk may have been running. */
  readonly others: number;
  /** How many attempts were lost before. */
  readonly lost: number;
}

/** Receives the outcomes of a task's items. */
export interface ChunkSink {
  readonly count: number;
  /**
   * Results of items from number `from` on, or their count if the results are not wanted.
   * `microseconds` is their total time.
   */
  items(from: number, values: readonly unknown[] | number, microseconds: number): void;
  failed(index: number, error: unknown): void;
  /** Every item of the chunk up to `end` has ended. */
  over(): void;
  /**
   * The worker died. Items from `next` to `end` had not begun. `error` makes the error of an item
   * that had.
   */
  lost(next: number, end: number, error: (item: LostItem) => Error): void;
}

/**
 * Times are kept in steps, so many a millisecond. V8 keeps a small whole number (in the first hours
 * of a process) in the task itself, and a fraction in an object of its own.
 */
const STEPS = 128;

/** Added to the mode of a task that keeps its only argument without an array. Not sent. */
export const SINGLE: number = 1 << 16;

/** The context of a call (context.ts). */
export interface CarriedContext {
  /** The task's message, with the context. */
  within(message: TaskMessage): TaskMessage;
}

/** Where a task ran, and its times in milliseconds. */
export interface TaskTimes {
  worker?: number;
  waitTime?: number;
  runTime?: number;
}

/** Facts that few tasks have. */
export interface TaskMore {
  priority: number;
  /** How often it may run again when its worker died. */
  retries: number;
  /** Number of attempts that were lost with their worker. */
  lost: number;
  /** How often it was taken, not begun, and taken back. */
  takenBack: number;
  timeout: number | undefined;
  queueTimeout: number | undefined;
  /** Takes the listener off the signal. */
  ignoreAbort: (() => void) | undefined;
  timer: Alarm | undefined;
  queueTimer: Alarm | undefined;
  chunk: ChunkSink | undefined;
  onReport: ((value: unknown) => void) | undefined;
  /** Of a stream: the first credit, and what gets its values (stream-run.ts). */
  credit: number;
  onValue: ((value: unknown) => void) | undefined;
  /** Arguments that move to its worker. */
  cargo: Cargo | undefined;
  /** The context of its call. */
  context: CarriedContext | undefined;
  /** Gets the times of a call that monitors follow (tracing.ts). */
  trace: TaskTimes | undefined;
  /** The key that it was submitted with. */
  key: TaskKey | undefined;
  /** Its number among the tasks with a key. */
  number: number;
  /** The worker in whose own ring it was put; 0: none. */
  lane: number;
  /** Called when the task no longer runs. */
  ended: (() => void)[];
}

export class PoolTask {
  readonly fn: PoolFunction;
  /** How its payload is sent, and `SINGLE`. */
  mode: number;
  /** The payload, or the only argument. */
  private kept: unknown;
  sealed: Sealed | undefined;
  /** `undefined` once the promise is settled. */
  resolve: ((value: unknown) => void) | undefined;
  /**
   * `isOfWorker`: the function threw it. `undefined` for a promise: `resolve` rejects it, too.
   */
  reject: ((reason: unknown, isOfWorker?: boolean) => void) | undefined;
  private readonly submittedAt: number;
  /** -1 while it waits in the heap, and when it has ended. */
  slot = -1;
  /** Taken out of the heap's order, or over. */
  withdrawn = false;
  readonly origin: Origin | undefined;
  more: TaskMore | undefined;

  constructor(
    fn: PoolFunction,
    mode: number,
    payload: unknown,
    submitted: number,
    priority: number,
    origin: Origin | undefined,
  ) {
    this.fn = fn;
    this.mode = mode;
    this.kept = payload;
    this.sealed = undefined;
    this.resolve = undefined;
    this.reject = undefined;
    this.submittedAt = Math.round(submitted * STEPS);
    this.origin = origin;
    this.more = undefined;
    if (priority !== 0) this.needMore().priority = priority;
  }

  /** Arguments or items; sealed if the program could change them meanwhile. */
  get payload(): unknown {
    return (this.mode & SINGLE) === 0 ? this.kept : [this.kept];
  }

  set payload(payload: unknown) {
    this.mode &= ~SINGLE;
    this.kept = payload;
  }

  /** Keeps a copy of arguments that are all constant; of a single one without an array. */
  keep(values: readonly unknown[]): void {
    if (values.length === 1) {
      this.mode |= SINGLE;
      this.kept = values[0];
    } else this.payload = values.slice();
  }

  /** When it was submitted: milliseconds of this thread's clock. */
  get submitted(): number {
    return this.submittedAt / STEPS;
  }

  get priority(): number {
    return this.more?.priority ?? 0;
  }

  /** Its fields that few tasks have. */
  needMore(): TaskMore {
    this.more ??= {
      priority: 0,
      retries: 0,
      lost: 0,
      takenBack: 0,
      timeout: undefined,
      queueTimeout: undefined,
      ignoreAbort: undefined,
      timer: undefined,
      queueTimer: undefined,
      chunk: undefined,
      onReport: undefined,
      credit: 0,
      onValue: undefined,
      cargo: undefined,
      context: undefined,
      trace: undefined,
      key: undefined,
      number: 0,
      lane: 0,
      ended: [],
    };
    return this.more;
  }
}

/** Rejects by the `resolve` and `reject` of a task. */
export function rejectBy(
  resolve: NonNullable<PoolTask['resolve']>,
  reject: PoolTask['reject'],
  reason: unknown,
  isOfWorker: boolean | undefined,
): void {
  if (reject === undefined) resolve(rejectingWith(reason));
  else reject(reason, isOfWorker);
}

/** A value that rejects the promise which is resolved with it, in the next microtask. */
function rejectingWith(reason: unknown): PromiseLike<never> {
  // biome-ignore lint/suspicious/noThenProperty: the promise calls it
  return { then: (_, reject) => reject!(reason) as PromiseLike<never> };
}
