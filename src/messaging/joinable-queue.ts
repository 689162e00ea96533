/**
 * JoinableQueue: a queue whose items are reported done, and that can be waited for until all are.
 *
 * Unfinished items have no counter of their own. Their number is the items put minus those reported
 * done (ring.ts), so no crash can leave it wrong. Joiners wait at a separate gate, whose cell is
 * noted in the gate of the producers: +2 cell, +3 generation.
 */

import type { Kind } from '../agents/kinds.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { OverReleaseError } from '../errors.ts';
import { openHandle } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { servedAtOnce } from '../turns.ts';
import { takeAwaiting, takeBlocking } from '../waiting/taking.ts';
import { obtainQueue, Queue } from './queue.ts';
import type { QueueDescription, QueueOptions } from './queue-base.ts';
import { defineChannelKind } from './ring/channel.ts';
import { factsOf } from './ring/ring-facts.ts';

/** The state of a joinable queue, as `describe()` returns it. */
export interface JoinableQueueDescription extends QueueDescription {
  /** Items that were put and not reported done. */
  unfinished: number;
}

/**
 * A queue whose consumers report each item as done, by `taskDone`. `join` waits until all items
 * that were put are done.
 *
 * *If a consumer dies* between `get` and `taskDone`, its item stays unfinished: there is no record
 * of whether it was done. If that can happen, join with a timeout.
 *
 * @example
 * for await (const job of queue) { await work(job); queue.taskDone(); } // consumers
 * await queue.join(); // the program that waits for all of it
 */
export class JoinableQueue<Item = unknown> extends Queue<Item> {
  /** Makes a queue, or opens the queue of that name as it is. Throws the errors of `Queue`. */
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: QueueOptions | Opened) {
    super(source instanceof Opened ? source : obtainQueue(JOINABLE_QUEUE_KIND, source), JOINABLE_QUEUE_KIND);
  }

  /** Opens the queue that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static override open<Item = unknown>(handle: string): JoinableQueue<Item> {
    return new JoinableQueue<Item>(openHandle(JOINABLE_QUEUE_KIND, handle));
  }

  /** Reports one item as done. Throws `OverReleaseError` if all items are done already. */
  taskDone(): void {
    this.checkOpen();
    const left = this.channel.ring.finish();
    if (left < 0) {
      throw new OverReleaseError(
        `${this.title}: taskDone refused, all items that were put are done already; call it once for each item`,
      );
    }
    if (left === 0) this.channel.joins.announceAll();
  }

  /**
   * Waits until all items are done; the event loop keeps running. Resolves to `true`, or to `false`
   * at the timeout. *Cancels* by `signal`.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const deadline = this.beginJoin(options);
    if (this.finished()) return servedAtOnce(true);
    if (deadline.expired) return servedAtOnce(false);
    const { joins } = this.channel;
    const wait = joins.waitFor(this.finished, this.finished);
    return servedAtOnce(await takeAwaiting(joins.cell, wait, deadline, this));
  }

  /** As `join`, but *blocks* the thread. */
  joinSync(options?: WaitOptions): boolean {
    const deadline = this.beginJoin(options);
    if (this.finished()) return true;
    if (deadline.expired) return false;
    const { joins } = this.channel;
    return takeBlocking(joins.cell, joins.waitFor(this.finished, this.finished), deadline);
  }

  override describe(): JoinableQueueDescription {
    return SharedObject.describe(this, () => ({
      ...super.describe(),
      unfinished: factsOf(this.channel.ring).unfinished,
    }));
  }

  private readonly finished = (): boolean => this.channel.ring.unfinished === 0;

  private beginJoin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    return deadline;
  }
}

export const JOINABLE_QUEUE_KIND: Kind = defineChannelKind({
  number: 18,
  name: 'JoinableQueue',
  open: JoinableQueue.open,
});
