/**
 * Pool calls: the calls that a process makes on a pool of the cluster, from their jobs to their
 * outcomes.
 *
 * A caller chooses the id of a job and listens for its end before it adds the job. While the
 * connection is down, the caller may miss the end. So it also looks at its jobs once a lease.
 *
 * A call that is given up takes back its jobs. When the pool is closed, all calls are given up,
 * even those that still wait for the connection.
 */

import { randomUUID } from 'node:crypto';
import { clearTimeout, now, setTimeout } from '#clock';
import { onAbort } from '../../aborts.ts';
import { StoreError, TaskTimeoutError, WorkerDiedError } from '../../errors.ts';
import { afterMilliseconds } from '../../long-timer.ts';
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

  constructor(title: string, lease: number, openQueue: () => Promise<JobQueue>) {
    this.title = title;
    this.lease = lease;
    this.openQueue = openQueue;
    this.over.promise.catch(() => undefined);
  }

  /** Adds the jobs, and waits for the outcomes of all of them. */
  run(tasks: readonly TaskData[], options: ClusterTaskOptions): Promise<PromiseSettledResult<unknown>[]> {
    const call = this.make(tasks, options);
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

  /** Gives all calls up, and resolves when their jobs are taken back. */
  async end(reason: Error): Promise<void> {
    this.ended = true;
    clearTimeout(this.look);
    this.over.reject(reason);
    await Promise.allSettled([...this.calls]);
  }

  private async make(
    tasks: readonly TaskData[],
    { timeout = Number.POSITIVE_INFINITY, signal }: ClusterTaskOptions,
  ): Promise<PromiseSettledResult<unknown>[]> {
    signal?.throwIfAborted();
    const ids = tasks.map(() => randomUUID());
    const { promise: over, reject: giveUp } = withResolvers<never>();
    over.catch(() => undefined);
    const cancel = afterMilliseconds(timeout, () => {
      const reason = `${this.title}: given up, ${tasks[0]?.run} took longer than ${timeout} ms; pass a longer timeout`;
      giveUp(new TaskTimeoutError(reason, timeout));
    });
    const unlisten = signal && onAbort(signal, () => giveUp(signal.reason));
    const until = <Value>(promise: Promise<Value>): Promise<Value> =>
      Promise.race([promise, over, this.over.promise]);
    let queue: JobQueue | undefined;
    let added: Promise<unknown> | undefined;
    try {
      queue = await until(this.openQueue());
      const ended = Promise.all(ids.map((id, index) => this.outcomesOf(id, tasks[index]!.run)));
      ended.catch(() => undefined);
      this.lookLater();
      const jobs = tasks.map((data, index) => ({
        name: data.run,
        data,
        opts: { jobId: ids[index], ...REMOVES },
      }));
      added = queue.addBulk(jobs);
      await until(added);
      return (await until(ended)).flat();
    } catch (error) {
      const open = ids.filter((id) => this.waiting.has(id));
      if (queue !== undefined) await this.withdraw(queue, open, added);
      throw error;
    } finally {
      cancel();
      unlisten?.();
    }
  }

  private outcomesOf(id: string, run: string): Promise<Outcomes> {
    return new Promise((resolve, reject) => {
      const over =
        <Value>(act: (value: Value) => void) =>
        (value: Value): void => {
          if (this.waiting.delete(id)) act(value);
        };
      this.waiting.set(id, { run, since: now(), settle: over(resolve), reject: over(reject) });
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
      if (each.since > before) continue;
      const job = await queue.getJob(id);
      const state = await job?.getState();
      if (job === undefined) this.failed(id, 'its job no longer exists');
      else if (state === 'completed') this.completed(id, job.returnvalue);
      else if (state === 'failed') this.failed(id, job.failedReason);
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
