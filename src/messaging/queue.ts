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
import type { QueueDescription, QueueOptions } from './queue-base.ts';
import { channelOptions, initQueue, QueueBase } from './queue-base.ts';
import { QueueProducer } from './queue-producer.ts';
import { defineChannelKind } from './ring/channel.ts';

/**
 * A queue that processes and threads share. An item can be anything that structured clone copies,
 * and shared objects, even inside other objects. `put` encodes the item before it returns: it
 * throws if the item can't be sent, and later changes are not sent. Items leave in the order in
 * which their `put` calls returned; each goes to one consumer.
 *
 * If consumers are slow, the queue fills up, and `put` waits. Items are in shared memory, so they
 * arrive even if their producer has ended.
 *
 * *If a process dies* within `put`, the item is either completely in the queue or not in it at all;
 * within `get`, it is either taken or not. Other threads go on. A queue that was made with
 * `endsWithProducers` ends when no producer is left; see `producer`.
 *
 * @example
 * const queue = new Queue<Job>({ maxSize: 100 });
 * await queue.put({ id: 1 });                                   // producer
 * for await (const job of queue) await work(job);               // consumers, until queue.close()
 */
export class Queue<Item = unknown> extends QueueBase<Item> {
  private side: QueueProducer<Item> | undefined;

  /**
   * Makes a queue, or opens the queue of that name as it is. Throws `OutOfRangeError`,
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
   * The producing side of a queue that was made with `endsWithProducers`. Pass it to the producers,
   * and close it in this thread right after `start()`. In the thread that made the queue, it is
   * open from the beginning; in other threads, from its first use on. Throws `StateError` if the
   * queue was made without `endsWithProducers`, `EndOfStreamError` if it has ended.
   */
  get producer(): QueueProducer<Item> {
    if (this.side !== undefined) return this.side;
    this.checkOpen();
    if (!this.channel.endsWithProducers) {
      throw new StateError(
        `${this.title}: has no producing side, as any program that has it open may put; make it with { endsWithProducers: true }`,
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

  /** The largest number of waiting items; 0 if only `bytes` limits them. */
  get maxSize(): number {
    this.checkOpen();
    return this.channel.ring.most;
  }

  /** Whether the queue is full. Only a hint if other threads put and take. */
  get full(): boolean {
    this.checkOpen();
    return !this.channel.ring.fits(1);
  }

  /**
   * Waits until there is room, and puts the value into the queue; the event loop keeps running.
   * Rejects with `QueueFullError` at the timeout, and with `ClosedError`, `NotSendableError` or
   * `NoSpaceError`; nothing was put then. *Cancels* by `signal`.
   */
  put(value: Item, options?: WaitOptions): Promise<void> {
    return this.putItem(value, options);
  }

  /** As `put`, but *blocks* the thread while there is no room. */
  putSync(value: Item, options?: WaitOptions): void {
    this.putItemSync(value, options);
  }

  /**
   * Puts the value into the queue if there is room; returns whether there was. Never waits. Throws
   * the errors of `put`, except `QueueFullError`.
   */
  tryPut(value: Item): boolean {
    return this.tryPutItem(value);
  }

  /**
   * Waits for the oldest item and takes it; the event loop keeps running. Rejects with
   * `QueueEmptyError` at the timeout, and with `ClosedError` if the queue was closed and is empty.
   * A queue that ends with its producers rejects with `EndOfStreamError` at its end. *Cancels* by
   * `signal`.
   */
  get(options?: WaitOptions): Promise<Item> {
    return this.getItem(options);
  }

  /** As `get`, but *blocks* the thread while there is no item. */
  getSync(options?: WaitOptions): Item {
    return this.getItemSync(options);
  }

  /**
   * Takes the oldest item; returns `null` if there is none. Never waits. Throws `ClosedError` (or
   * `EndOfStreamError`) if no more items will come. If items may be `null` themselves, use
   * `getSync({ timeout: 0 })`, which throws if there is none.
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
