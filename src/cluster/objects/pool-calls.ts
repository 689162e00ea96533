/**
 * Pool calls: the calls that a process makes on a pool of the cluster, from their jobs to their
 * outcomes.
 *
 * A caller chooses the id of a job and listens for its end before it adds the job. While the
 * connection is down, the caller may miss the end. So it also looks at its jobs once a lease. At a
 * PostgreSQL server it may also miss an end beside another: BullMQ numbers its events before they
 * are committed, and reads behind the last number. So there each end is followed by a look at the
 * latest ends.
 *
 * A call that is given up takes back its jobs. When the pool is closed, all calls are given up,
 * even those that still wait for the connection.
 */

import { randomUUID } from 'node:crypto';
import { clearTimeout, now, setTimeout } from '#clock';
import { onAbort } from '../../aborts.ts';
import { StoreError, TaskTimeoutError, WorkerDiedError } from '../../errors.ts';
import { afterMilliseconds } from '../../long-timer.ts';
import type { Origin } from '../../stacks.ts';
import { withCaller, withOrigin } from '../../stacks.ts';
import { withResolvers } from '../../with-resolvers.ts';
import type { JobQueue } from '../stores/bullmq.ts';
import type { TaskData } from './pool-task.ts';
import { readOutcomes } from './pool-task.ts';

/** Options of a call. */
export interface ClusterTaskOptions {
  /** Longest time until its result, in milliseconds. */
  timeout?: number | undefined;
  /** Gives the call up: it rejects with `signal.reason`. */
  signal?: AbortSignal | undefined;
}

type Outcomes = readonly PromiseSettledResult<unknown>[];

interface Waiting {
  readonly run: string;
  since: number;
  settle(outcomes: Outcomes): void;
  reject(reason: unknown): void;
}

/** Seconds for which an outcome stays at the server. */
const KEPT_S = 600;
/** Milliseconds from an end to the look at those beside it, and from there to another look. */
const BESIDE_MS = 50;
const AGAIN_MS = 500;
/** Ends that are looked at beyond those that were noticed. */
const MARGIN = 32;
export const REMOVES: object = { removeOnComplete: { age: KEPT_S }, removeOnFail: { age: KEPT_S } };

export class PoolCalls {
  private readonly title: string;
  private readonly lease: number;
  private readonly openQueue: () => Promise<JobQueue>;
  private readonly waiting = new Map<string, Waiting>();
  private readonly calls = new Set<Promise<unknown>>();
  private readonly over = withResolvers<never>();
  private ended = false;
  private look: NodeJS.Timeout | undefined;
  private beside: NodeJS.Timeout | undefined;
  private isSoon = false;
  /** Ends noticed since the last look beside them, and before that look. */
  private noticed = 0;
  private noticedBefore = 0;

  constructor(title: string, lease: number, openQueue: () => Promise<JobQueue>) {
    this.title = title;
    this.lease = lease;
    this.openQueue = openQueue;
    this.over.promise.catch(() => undefined);
  }

  /**
   * Adds the jobs, and waits for the outcomes of all of them.
   *
   * @param origin where the program has called
   */
  run(
    tasks: readonly TaskData[],
    options: ClusterTaskOptions,
    origin: Origin,
  ): Promise<PromiseSettledResult<unknown>[]> {
    const call = this.make(tasks, options, origin);
    this.calls.add(call);
    const forget = (): boolean => this.calls.delete(call);
    call.then(forget, forget);
    return call;
  }

  /** The job is done. */
  completed(id: string, returned: unknown): void {
    this.waiting.get(id)?.settle(readOutcomes(returned));
  }

  /** The job has no outcome. */
  failed(id: string, reason: string): void {
    const waiting = this.waiting.get(id);
    waiting?.reject(this.failure(waiting.run, reason));
  }

  /** An end was noticed where others beside it may be missed. */
  notice(): void {
    this.noticed++;
    if (this.isSoon || this.ended) return;
    this.isSoon = true;
    clearTimeout(this.beside);
    this.beside = setTimeout(() => this.lookNow(), BESIDE_MS);
  }

  /** Gives all calls up, and resolves when their jobs are taken back. */
  async end(reason: Error): Promise<void> {
    this.ended = true;
    clearTimeout(this.look);
    clearTimeout(this.beside);
    this.over.reject(reason);
    await Promise.allSettled([...this.calls]);
  }

  private async make(
    tasks: readonly TaskData[],
    { timeout = Number.POSITIVE_INFINITY, signal }: ClusterTaskOptions,
    origin: Origin,
  ): Promise<PromiseSettledResult<unknown>[]> {
    signal?.throwIfAborted();
    const ids = tasks.map(() => randomUUID());
    const { promise: over, reject: giveUp } = withResolvers<never>();
    over.catch(() => undefined);
    const cancel = afterMilliseconds(timeout, () => {
      const reason = `${this.title}: given up, ${tasks[0]?.run} had no result after ${timeout} ms; pass a longer timeout, or see that a process serves this pool`;
      giveUp(withOrigin(new TaskTimeoutError(reason, timeout), origin));
    });
    const unlisten = signal && onAbort(signal, () => giveUp(signal.reason));
    const until = <Value>(promise: Promise<Value>): Promise<Value> =>
      Promise.race([promise, over, this.over.promise]);
    let queue: JobQueue | undefined;
    let added: Promise<unknown> | undefined;
    try {
      queue = await until(this.openQueue());
      const ended = Promise.all(ids.map((id, index) => this.outcomesOf(id, tasks[index]!.run, origin)));
      ended.catch(() => undefined);
      this.lookLater();
      const jobs = tasks.map((data, index) => ({
        name: data.run,
        data,
        opts: { jobId: ids[index], ...REMOVES },
      }));
      added = queue.addBulk(jobs);
      await until(added);
      return (await until(ended)).flat().map((outcome) => ofCaller(outcome, origin));
    } catch (error) {
      const open = ids.filter((id) => this.waiting.has(id));
      if (queue !== undefined) await this.withdraw(queue, open, added);
      throw error;
    } finally {
      cancel();
      unlisten?.();
    }
  }

  private outcomesOf(id: string, run: string, origin: Origin): Promise<Outcomes> {
    return new Promise((resolve, reject) => {
      const over =
        <Value>(act: (value: Value) => void) =>
        (value: Value): void => {
          if (this.waiting.delete(id)) act(value);
        };
      const refuse = (reason: unknown): void => reject(withOrigin(reason, origin));
      this.waiting.set(id, { run, since: now(), settle: over(resolve), reject: over(refuse) });
    });
  }

  /** Takes back jobs that no worker has begun; running jobs can't be removed, and continue. */
  private async withdraw(queue: JobQueue, ids: readonly string[], added?: Promise<unknown>): Promise<void> {
    for (const id of ids) this.waiting.delete(id);
    const remove = async (id: string): Promise<void> => {
      // A job that is still on its way would arrive after its removal.
      await added;
      await (await queue.getJob(id))?.remove();
    };
    const patience = withResolvers<void>();
    const cancel = afterMilliseconds(this.lease, patience.resolve);
    await Promise.race([Promise.allSettled(ids.map(remove)), patience.promise]);
    cancel();
  }

  /** Looks, once a lease, at jobs whose end may have been missed. */
  private lookLater(): void {
    if (this.look !== undefined) return;
    this.look = setTimeout(() => {
      this.look = undefined;
      if (this.ended || this.waiting.size === 0) return;
      this.lookAt(now() - this.lease).then(
        () => this.lookLater(),
        () => this.lookLater(),
      );
    }, this.lease);
  }

  private async lookAt(before: number): Promise<void> {
    const queue = await this.openQueue();
    for (const [id, each] of [...this.waiting]) {
      if (each.since <= before) await this.lookAtJob(queue, id);
    }
  }

  private async lookAtJob(queue: JobQueue, id: string): Promise<void> {
    const job = await queue.getJob(id);
    const state = await job?.getState();
    if (job === undefined) this.failed(id, 'its job no longer exists');
    else if (state === 'completed') this.completed(id, job.returnvalue);
    else if (state === 'failed') this.failed(id, job.failedReason);
  }

  private lookNow(): void {
    const { isSoon, noticed } = this;
    this.isSoon = false;
    if (this.waiting.size === 0) return;
    // Those of the look before may not have been there yet.
    const count = noticed + this.noticedBefore + MARGIN;
    [this.noticedBefore, this.noticed] = [noticed, 0];
    const again = (): void => {
      // Look once more: an end may take its time. An end that comes meanwhile has its own look.
      if (isSoon && !this.isSoon && !this.ended) this.beside = setTimeout(() => this.lookNow(), AGAIN_MS);
    };
    this.lookAmong(count).then(again, again);
  }

  /** Looks at so many of the latest ends. */
  private async lookAmong(count: number): Promise<void> {
    const queue = await this.openQueue();
    for (const id of await queue.getRanges(['completed', 'failed'], 0, count - 1)) {
      if (this.waiting.has(id)) await this.lookAtJob(queue, id);
    }
  }

  private failure(run: string, reason: string): Error {
    if (/stalled/.test(reason)) {
      return new WorkerDiedError(
        `${this.title}: ${run} was given up, every worker that ran it died or stood still, as often as the \`retries\` of serve allow; see what it does there`,
      );
    }
    return new StoreError(`${this.title}: ${run} has no result, ${reason}; make the call again`);
  }
}

/** The outcome; the error of a function gets the frames of its call. */
function ofCaller(outcome: PromiseSettledResult<unknown>, origin: Origin): PromiseSettledResult<unknown> {
  if (outcome.status === 'rejected') withCaller(outcome.reason, origin, 'in a worker, called');
  return outcome;
}
