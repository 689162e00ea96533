/**
 * Statistics: the work of a pool so far. Run times are taken in the workers and come with the
 * results; the pool keeps them in histograms. Nothing is allocated for a task, unless it is among
 * the slowest.
 */

import { SharedObject } from '../objects/shared-object.ts';
import { Histogram, type TimeStats } from './histogram.ts';
import type { Member } from './member.ts';
import { MODE, MODE_MASK } from './messages.ts';
import type { PoolTask } from './pool-task.ts';
import { previewOf } from './preview.ts';
import { unseal } from './sealed.ts';

/** The statistics of one worker. */
export interface WorkerStats {
  /** Process id, or thread id. */
  id: number;
  state: 'starting' | 'ready' | 'retiring' | 'dead';
  /** The number of tasks and chunks that it has finished. */
  tasks: number;
  /** Milliseconds for which it ran tasks. */
  busy: number;
}

/** One of the longest tasks. */
export interface SlowTask {
  /** Name of the function. */
  fn: string;
  /** The beginning of its arguments, as text. */
  args: string;
  /** Milliseconds that it ran. */
  ms: number;
  /** Process or thread id of the worker. */
  pid: number;
}

/** Numbers of replaced workers, by cause. */
export interface ReplacementCauses {
  /** Ended with an exit code; `signal`: ended by a signal, or terminated threads. */
  exit: number;
  signal: number;
  /** Probably ran out of memory. */
  outOfMemory: number;
  /** Killed by the pool because a task did not stop within its `grace`. */
  grace: number;
  /** Had done `maxTasksPerChild` tasks; `memory`: had more than `maxMemoryPerChild`. */
  tasks: number;
  memory: number;
}

/** The starts of a pool's workers. */
export interface StartStats {
  /** Workers that were a spare before; `cold`: those that were not. */
  warm: number;
  cold: number;
  /** Mean milliseconds from the start of a worker until it is ready, with its initializer. */
  meanTime: number;
}

/** Counts and times of a pool's tasks and workers. In the counts, a chunk of a map is one task. */
export interface PoolStats {
  /** Tasks that wait in the pool; `handedOut`: tasks that its workers have. */
  queued: number;
  handedOut: number;
  done: number;
  failed: number;
  cancelled: number;
  /** Tasks whose worker died, including those that ran again. */
  lost: number;
  /** Workers that died and were replaced; `recycled`: workers that were replaced as planned. */
  restarts: number;
  recycled: number;
  /** The replaced workers, by cause. */
  causes: ReplacementCauses;
  /** How the workers were started. */
  starts: StartStats;
  /** Mean run time of the last tasks, in milliseconds. */
  meanRunTime: number;
  /**
   * Time from the call to the result, minus `runTime`: the wait for a worker, and the transport of
   * arguments and result. `runTime`: from the task's start to its end. For a map: of each item.
   */
  waitTime: TimeStats;
  runTime: TimeStats;
  /** The fraction of their lives in which the workers ran tasks: 0 to 1. */
  utilization: number;
  /** The five tasks and items that ran longest, the longest first. */
  slowest: SlowTask[];
  workers: WorkerStats[];
}

const MOST_SLOW = 5;
/** Bytes above which arguments count as large. */
export const LARGE: number = 64 * 1024;
/** How often the same large argument may be sent before a warning. */
const MOST_SENT = 10;
/** Number of calls after which their size is judged, and microseconds of a small one. */
const MANY_CALLS = 10_000;
const SMALL = 20;
/** Bytes of sealed arguments that are read again to show them. */
const LONGEST_SEALED: number = 64 * 1024;

export class PoolStatistics {
  done = 0;
  failed = 0;
  cancelled = 0;
  lost = 0;
  restarts = 0;
  readonly causes: ReplacementCauses = { exit: 0, signal: 0, outOfMemory: 0, grace: 0, tasks: 0, memory: 0 };
  /** Milliseconds for which ended workers were busy, and for which they lived. */
  busyBefore = 0;
  livedBefore = 0;
  readonly waits: Histogram = new Histogram();
  readonly runs: Histogram = new Histogram();
  slowest: SlowTask[] = [];
  private readonly isOn: boolean;
  private readonly title: string;
  private readonly sent = new WeakMap<object, number>();
  private calls = 0;
  private callTime = 0;
  /** Microseconds above which a task is among the slowest. */
  private slow = 0;

  constructor(title: string, isOn: boolean) {
    this.title = title;
    this.isOn = isOn;
  }

  /** A task ran; its result is read at `time`, in milliseconds of this thread's clock. */
  ran(task: PoolTask, microseconds: number, member: Member, time: number): void {
    if (!this.isOn) return;
    this.runs.add(microseconds);
    this.waits.add((time - task.submitted) * 1000 - microseconds);
    if (microseconds > this.slow) this.keep(task, microseconds, member, undefined);
    this.callTime += microseconds;
    if (++this.calls === MANY_CALLS && this.callTime < MANY_CALLS * SMALL) this.warnOfSmall(task);
  }

  /** Items of a chunk ran, from number `from` on. */
  ranItems(task: PoolTask, from: number, count: number, microseconds: number, member: Member): void {
    if (!this.isOn || count === 0) return;
    const each = microseconds / count;
    this.runs.add(each, count);
    if (each > this.slow) this.keep(task, each, member, from);
  }

  /** A task whose arguments are large is sent. */
  sentLarge({ payload, fn }: PoolTask): void {
    if (!this.isOn) return;
    for (const value of payload as readonly unknown[]) {
      if (typeof value !== 'object' || value === null || value instanceof SharedObject) continue;
      const times = (this.sent.get(value) ?? 0) + 1;
      this.sent.set(value, times);
      if (times !== MOST_SENT + 1) continue;
      warnOnce(
        'LOCKSTEP_POOL_LARGE_ARGUMENT',
        `${this.title}: ${fn.name}: the same large argument was sent ${times} times, ${previewOf([value])}; ` +
          'put it into shared memory once: new Shared(value), or a SharedArray for numbers',
      );
    }
  }

  private warnOfSmall({ fn }: PoolTask): void {
    const mean = (this.callTime / this.calls).toFixed(1);
    warnOnce(
      'LOCKSTEP_POOL_SMALL_TASKS',
      `${this.title}: ${fn.name}: ${this.calls} calls have run for ${mean} us each, less than it takes to hand them out; ` +
        'use map(), which hands out many at a time, or do more in each call',
    );
  }

  private keep(task: PoolTask, microseconds: number, { id }: Member, item: number | undefined): void {
    const args = argumentsOf(task, item);
    this.slowest.push({ fn: task.fn.name, args, ms: microseconds / 1000, pid: id });
    this.slowest.sort((one, other) => other.ms - one.ms);
    this.slowest.splice(MOST_SLOW);
    if (this.slowest.length === MOST_SLOW) this.slow = this.slowest[MOST_SLOW - 1]!.ms * 1000;
  }
}

/** The beginning of a task's arguments, or of those of its item. */
export function argumentsOf(task: PoolTask, item?: number): string {
  const { sealed, payload, mode, more } = task;
  if (sealed !== undefined) {
    const parts = sealed.payload;
    if (parts[0].length > LONGEST_SEALED) return `… ${parts[0].length} bytes`;
    return previewOf(parts[2].length === 0 ? unseal(parts) : parts[2]);
  }
  if (item === undefined && more?.chunk === undefined) return previewOf(payload);
  if (item === undefined) return `${more!.chunk!.count} items from ${argumentsOf(task, 0)} on`;
  const values = payload as readonly unknown[];
  const kind = mode & MODE_MASK;
  if (kind === MODE.RANGE) return previewOf([(values[0] as number) + item]);
  return previewOf(kind === MODE.TUPLES ? values[item] : [values[item]]);
}

const warned = new Set<string>();

/** Warns of each matter once in this thread. */
function warnOnce(code: string, message: string): void {
  if (warned.has(code)) return;
  warned.add(code);
  process.emitWarning(message, { type: 'PoolWarning', code });
}
