/**
 * QueueProducer: the producing side of a queue that ends with its producers. It has its own cell,
 * which lives as long as a thread has it open or it lies in a queue or pipe. So the queue's
 * consumers notice when no producer is left.
 *
 *   word  name              bits                   written by
 *   +0    QUEUE             cell of the queue      the creator
 *   +1    QUEUE_GENERATION                         the same
 *
 * The queue names it in the cell of the putters' gate: +4 cell, +5 generation. It does not keep it
 * open.
 *
 * An agent that closes it, or the reaper of one that died with it, wakes all waiters
 * (`endIsAwaited`). Consumers first check whether the cell still exists, and only then whether the
 * ring is empty. So they find all items that were put before the end.
 */

import type { Kind } from '../agents/kinds.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { openHandle } from '../objects/handles.ts';
import type { Opened } from '../objects/opened.ts';
import { openQueuePart } from '../objects/parts.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { turnIfDue } from '../turns.ts';
import { queueFullError } from './queue-errors.ts';
import { Channel, PRODUCER_KIND, QUEUE_WORD } from './ring/channel.ts';
import { Outgoing } from './ring/outgoing.ts';

/** The state of a producing side, as `describe()` returns it. */
export interface QueueProducerDescription extends Description {
  /** The number of items that wait in the queue. */
  size: number;
  /** Whether any thread has closed the queue: nothing more can be put. */
  queueClosed: boolean;
}

/**
 * The producing side of a queue that was made with `endsWithProducers`. Pass it to the producers,
 * and close it in the thread that made the queue. *If a producer dies*, its side is closed, too.
 * When no thread has it open, the consumers get the remaining items, and then the end.
 *
 * @example
 * const queue = new Queue<Job>({ endsWithProducers: true });
 * new Process({ target: produce, args: [queue.producer] }).start();
 * queue.producer.close();
 * // Ends when the child has ended, also when it is killed:
 * for await (const job of queue) await work(job);
 */
export class QueueProducer<Item = unknown> extends SharedObject {
  private readonly channel: Channel;

  /** @internal */
  constructor(opened: Opened) {
    super(PRODUCER_KIND, opened);
    this.channel = Channel.of(openQueuePart(this.cell, QUEUE_WORD, this.title), this.title);
  }

  /**
   * Opens the producing side that the handle stands for. Throws `HandleError`, `StaleHandleError`.
   */
  static open<Item = unknown>(handle: string): QueueProducer<Item> {
    return new QueueProducer<Item>(openHandle(PRODUCER_KIND, handle));
  }

  /**
   * Waits until there is room, and puts the value into the queue; the event loop keeps running.
   * Rejects with `QueueFullError` at the timeout, and with `ClosedError`, `NotSendableError` or
   * `NoSpaceError`; nothing was put then. *Cancels* by `signal`.
   */
  async put(value: Item, options?: WaitOptions): Promise<void> {
    const deadline = this.begin(options);
    if (this.channel.putter.putAtOnce(value)) return turnIfDue();
    const out = new Outgoing(value, `${this.title}:`);
    if (await this.channel.putter.putLater(out, deadline, this, this.ended)) return turnIfDue();
    await turnIfDue();
    throw this.detached ? this.closedError() : queueFullError(this.title, this.channel.ring, options);
  }

  /** As `put`, but *blocks* the thread while there is no room. */
  putSync(value: Item, options?: WaitOptions): void {
    const deadline = this.begin(options);
    if (this.channel.putter.putAtOnce(value)) return;
    if (this.channel.putter.putSync(new Outgoing(value, `${this.title}:`), deadline)) return;
    throw queueFullError(this.title, this.channel.ring, options);
  }

  /**
   * Puts the value into the queue if there is room. Never waits. Throws `QueueFullError` if there
   * is none.
   */
  tryPut(value: Item): void {
    this.putSync(value, { timeout: 0 });
  }

  /**
   * Ends this object's use in this thread. Idempotent. Calls that still wait through it reject with
   * `ClosedError`.
   */
  override close(): void {
    if (this.detached) return;
    this.channel.putter.refuseWithinPut('close');
    this.channel.rejectAll(this);
    super.close();
  }

  override describe(): QueueProducerDescription {
    this.checkOpen();
    const { ring, items } = this.channel;
    const { name, handle } = this;
    return {
      kind: PRODUCER_KIND.name,
      name: name ?? null,
      handle,
      size: ring.size,
      queueClosed: items.closed,
    };
  }

  protected override summary(): string {
    const { size, queueClosed } = this.describe();
    return `of a queue with ${size} items${queueClosed ? ', which was closed' : ''}`;
  }

  private readonly ended = (): boolean => this.detached;

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    return deadline;
  }
}

export const QUEUE_PRODUCER_KIND: Kind = { ...PRODUCER_KIND, open: QueueProducer.open };
