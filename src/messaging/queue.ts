/**
 * Queue: items from many to many, each taken by exactly one. The algorithm is the ring's (ring.ts).
 */

import type { Kind } from '../agents/kinds.ts';
import type { WaitOptions } from '../deadline.ts';
import { EndOfStreamError, StateError } from '../errors.ts';
import { openHandle } from '../objects/handles.ts';
import { obtain } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';
import type { QueueDescription, QueueOptions } from './message-queue.ts';
import { channelOptions, initQueue, MessageQueue } from './message-queue.ts';
import { QueueProducer } from './queue-producer.ts';
import { defineChannelKind } from './ring/channel.ts';

/**
 * A queue that processes and threads share. An item can be any value that structured clone copies,
 * with shared objects nested anywhere. A value is encoded within `put`: a value that can't be sent
 * throws there, and later changes are not sent. Items leave in the order in which their `put` calls
 * returned; each goes to one consumer.
 *
 * If consumers are slow the queue fills up, and `put` waits. Items lie in shared memory only, so
 * they arrive even if their producer has ended.
 *
 * *If a process dies* in the middle of `put`, the item is wholly in the queue or not in it; in the
 * middle of `get`, it is taken or not. Other threads continue. Consumers of a queue that was made
 * with `endsWithProducers` get the end when no producer is left; see `producer`.
 *
 * @example
 * const queue = new Queue<Job>({ maxSize: 100 });
 * await queue.put({ id: 1 });                                   // producer
 * for await (const job of queue) await work(job);               // consumers, until queue.close()
 */
export class Queue<Item = unknown> extends MessageQueue<Item> {
  private side: QueueProducer<Item> | undefined;

  /**
   * Makes a queue, or opens the one of that name as it is. Throws `OutOfRangeError`,
   * `InvalidTypeError`, `NoSpaceError`.
   */
  constructor(options?: QueueOptions);
  /** @internal */
  constructor(opened: Opened, type?: Kind);
  constructor(source?: QueueOptions | Opened, type: Kind = QUEUE_KIND) {
    super(type, source instanceof Opened ? source : obtainQueue(type, source));
    if (this.channel.hasFreshProducer) void this.producer;
  }

  /** Opens the queue that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Item = unknown>(handle: string): Queue<Item> {
    return new Queue<Item>(openHandle(QUEUE_KIND, handle));
  }

  /**
   * The producing side of a queue that was made with `endsWithProducers`: pass it to the producers,
   * and close it here when they have it (right after `start()`). It is open here from its first use
   * on, and in the thread that made the queue from the beginning. Throws `StateError` if the queue
   * does not end with its producers, `EndOfStreamError` if it has ended.
   */
  get producer(): QueueProducer<Item> {
    if (this.side !== undefined) return this.side;
    this.checkOpen();
    if (!this.channel.endsWithProducers) {
      throw new StateError(
        `${this.title}: has no producing side, everybody who has it open may put; make it with { endsWithProducers: true }`,
      );
    }
    const cell = this.channel.openProducer();
    if (cell === undefined) {
      throw new EndOfStreamError(
        `${this.title}: its producing side has ended, all threads that had it open have closed it or ended; make another queue`,
      );
    }
    this.side = new QueueProducer<Item>(new Opened(cell, undefined));
    return this.side;
  }

  /** The number of waiting items. Only a hint if other threads put and take. */
  get size(): number {
    this.checkOpen();
    return this.channel.ring.size;
  }

  /** Items that may wait at once; 0: no limit but bytes. */
  get maxSize(): number {
    this.checkOpen();
    return this.channel.ring.most;
  }

  /** Whether the queue has reached its limit of items or bytes. Only a hint. */
  get full(): boolean {
    this.checkOpen();
    return !this.channel.ring.fits(1);
  }

  /**
   * Puts the value in, as soon as there is room; the event loop continues. Rejects with
   * `QueueFullError` when the timeout has passed, and with `ClosedError`, `NotSendableError` and
   * `NoSpaceError`. After a rejection nothing was put. *Cancels* by `signal`.
   */
  put(value: Item, options?: WaitOptions): Promise<void> {
    return this.putItem(value, options);
  }

  /** As `put`; *blocks* the thread while there is no room. */
  putSync(value: Item, options?: WaitOptions): void {
    this.putItemSync(value, options);
  }

  /**
   * Puts the value in if there is room; returns whether there was. Never waits. Throws the errors
   * of `put`, except `QueueFullError`.
   */
  tryPut(value: Item): boolean {
    return this.tryPutItem(value);
  }

  /**
   * Takes the oldest item, as soon as there is one; the event loop continues. Rejects with
   * `QueueEmptyError` when the timeout has passed, and with `ClosedError` when the queue was closed
   * and is empty. *Cancels* by `signal`.
   */
  get(options?: WaitOptions): Promise<Item> {
    return this.getItem(options);
  }

  /** As `get`; *blocks* the thread while there is no item. */
  getSync(options?: WaitOptions): Item {
    return this.getItemSync(options);
  }

  /**
   * Takes the oldest item; returns `null` if there is none. Never waits. Throws `ClosedError` when
   * no more items will come. If an item can be `null` itself, use `getSync({ timeout: 0 })` to
   * distinguish the two.
   */
  tryGet(): Item | null {
    return this.tryGetItem();
  }

  /** Takes item after item, until the queue is closed and empty. */
  [Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    return this.items();
  }

  /** Takes items until the queue ends; *blocks* the thread between them. */
  [Symbol.iterator](): Generator<Item, void, void> {
    return this.itemsSync();
  }

  override describe(): QueueDescription {
    return SharedObject.describe(this, () => this.describeQueue());
  }
}

/** The cell for a queue's constructor call. */
export function obtainQueue(type: Kind, options: QueueOptions | undefined): Opened {
  const channel = channelOptions(type.name, options);
  return obtain(type, options, (place, agent) => initQueue(place, agent, channel));
}

export const QUEUE_KIND: Kind = defineChannelKind({ number: 17, name: 'Queue', open: Queue.open });
