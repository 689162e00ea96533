/** QueueBase: the common part of Queue, JoinableQueue and SimpleQueue. */

import { inspect } from 'node:util';
import type { Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { countWaiting } from '../agents/waiters.ts';
import type { ObjectOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import {
  ClosedError,
  EndOfStreamError,
  InvalidTypeError,
  OutOfRangeError,
  QueueEmptyError,
  StateError,
} from '../errors.ts';
import type { Place } from '../memory/place.ts';
import type { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { withOrigin } from '../stacks.ts';
import { turnIfDue } from '../turns.ts';
import { after, queueFullError } from './queue-errors.ts';
import type { ChannelOptions } from './ring/channel.ts';
import { Channel } from './ring/channel.ts';
import { describeChannel } from './ring/channel-facts.ts';
import { Outgoing } from './ring/outgoing.ts';
import { factsOf } from './ring/ring-facts.ts';
import { NOTHING } from './ring/ring-reader.ts';

/** Default number of bytes for waiting items; reserved only as needed. */
const DEFAULT_BYTES: number = 16 * 1024 * 1024;
const LEAST_BYTES = 1024;
const MOST_BYTES: number = 2 ** 30;
const MOST_ITEMS: number = 2 ** 31 - 2;
const ONCE = { timeout: 0 };

export interface QueueOptions extends ObjectOptions {
  /** The largest number of waiting items; without it, or with 0, only `bytes` limits them. */
  maxSize?: number | undefined;
  /**
   * The largest number of bytes of all waiting items, rounded up to a power of two; default 16 MiB.
   * Memory is taken only when it is needed. An item larger than a quarter of that goes through a
   * separate file. All such files together may take as many bytes again; a single file may have any
   * size.
   */
  bytes?: number | undefined;
  /**
   * Whether the queue ends when no thread has its producing side, `queue.producer`, open. Only that
   * object can then put items. Consumers get the remaining items, and then the end.
   */
  endsWithProducers?: boolean | undefined;
}

/** The state of a queue, as `describe()` returns it. */
export interface QueueDescription extends Description {
  size: number;
  /** 0: bounded only by bytes. */
  maxSize: number;
  closed: boolean;
  /** Calls that wait for an item, in all processes; `waitingToPut`: calls that wait for room. */
  waiting: number;
  waitingToPut: number;
  /** For a queue that ends with its producers: whether any thread has its producing side open. */
  hasProducers?: boolean;
}

export abstract class QueueBase<Item> extends SharedObject {
  /** @internal */
  readonly channel: Channel;

  protected constructor(type: Kind, opened: Opened) {
    super(type, opened);
    this.channel = Channel.of(this.cell, this.title);
  }

  /** Whether any thread has closed it: nothing more can be put. */
  override get closed(): boolean {
    return this.detached || this.channel.items.closed;
  }

  /**
   * Closes the queue for all processes: nothing more can be put, remaining items can be taken, and
   * then every `get` and iteration comes to its end. Idempotent. *Blocks* while another thread is
   * just putting. Throws `StateError` if a getter calls it within `put`.
   */
  override close(): void {
    if (!this.detached) this.channel.close();
  }

  /**
   * Ends this object's use in this thread, without closing the queue for others. Calls that still
   * wait through it reject.
   */
  override [Symbol.dispose](): void {
    if (!this.detached) {
      this.channel.putter.refuseWithinPut('close');
      this.channel.rejectAll(this);
    }
    super.close();
  }

  /** Whether no item waits. Only a hint if other threads put and take. */
  get empty(): boolean {
    this.checkOpen();
    return this.channel.ring.empty;
  }

  protected async putItem(value: Item, options: WaitOptions | undefined): Promise<void> {
    const deadline = this.beginPut(options);
    if (this.channel.putter.putAtOnce(value)) return turnIfDue();
    const out = new Outgoing(value, `${this.title}:`);
    if (await this.channel.putter.putLater(out, deadline, this, this.ended)) return turnIfDue();
    await turnIfDue();
    throw withOrigin(
      this.detached ? this.closedError() : queueFullError(this.title, this.channel.ring, options),
      deadline.origin,
    );
  }

  protected putItemSync(value: Item, options: WaitOptions | undefined): void {
    const deadline = this.beginPut(options);
    if (this.channel.putter.putAtOnce(value)) return;
    const out = new Outgoing(value, `${this.title}:`);
    if (!this.channel.putter.putSync(out, deadline))
      throw queueFullError(this.title, this.channel.ring, options);
  }

  protected async getItem(options: WaitOptions | undefined): Promise<Item> {
    const deadline = this.begin(options);
    const turn = turnIfDue();
    if (turn !== undefined && (this.ready || deadline.expired)) {
      // Take nothing before the turn of the event loop that is due.
      await turn;
      this.checkOpen();
      deadline.throwIfAborted();
    }
    const value = await this.channel.taker.takeLater(deadline, this.over, this, this.endedError);
    if (value === NOTHING) throw withOrigin(this.nothingError(options), deadline.origin);
    return value as Item;
  }

  protected getItemSync(options: WaitOptions | undefined): Item {
    const deadline = this.begin(options);
    const value = this.channel.taker.takeSync(deadline, this.over);
    if (value === NOTHING) throw this.nothingError(options);
    return value as Item;
  }

  protected tryPutItem(value: Item): boolean {
    const deadline = this.beginPut(ONCE);
    return (
      this.channel.putter.putAtOnce(value) ||
      this.channel.putter.putSync(new Outgoing(value, `${this.title}:`), deadline)
    );
  }

  protected tryGetItem(): Item | null {
    this.checkOpen();
    const value = this.channel.taker.take();
    if (value !== NOTHING) return value as Item;
    if (this.over()) throw this.nothingError(ONCE);
    return null;
  }

  protected async *items(): AsyncGenerator<Item, void, void> {
    for (;;) {
      const turn = turnIfDue();
      if (turn !== undefined && this.ready) await turn;
      this.checkOpen();
      const value = await this.channel.taker.takeLater(Deadline.NEVER, this.over, this);
      if (value === NOTHING) return;
      yield value as Item;
    }
  }

  protected *itemsSync(): Generator<Item, void, void> {
    for (;;) {
      this.checkOpen();
      const value = this.channel.taker.takeSync(Deadline.NEVER, this.over);
      if (value === NOTHING) return;
      yield value as Item;
    }
  }

  protected describeQueue(): QueueDescription {
    this.checkOpen();
    const { ring, rooms } = this.channel;
    const { namespace } = this.cell.agent;
    const { closed } = describeChannel(namespace, this.cell).state;
    const { items: size, maxSize } = factsOf(ring);
    return {
      kind: SharedObject.kindOf(this),
      name: this.name ?? null,
      handle: this.handle,
      size,
      maxSize,
      closed,
      waiting: countWaiting(namespace, this.cell),
      waitingToPut: countWaiting(namespace, rooms.cell),
      ...(this.channel.endsWithProducers && { hasProducers: !this.channel.abandoned }),
    };
  }

  protected override summary(): string {
    const { size, maxSize, closed, waiting } = this.describeQueue();
    const of = maxSize === 0 ? '' : ` of ${maxSize}`;
    return `${size}${of} items${closed ? ', closed' : ''}${waiting === 0 ? '' : `, ${waiting} waiting`}`;
  }

  /** No more items will come. */
  protected readonly over = (): boolean => {
    const { channel } = this;
    // Check the end first, then the ring: items put before the end are in the ring.
    return (channel.items.closed || channel.abandoned) && channel.ring.empty;
  };

  private readonly endedError = (): Error => this.nothingError(undefined);

  /** @internal Whether `get` would not wait. */
  get ready(): boolean {
    return this.closed || this.channel.abandoned || !this.empty;
  }

  /** This object's use in this thread has ended. */
  private readonly ended = (): boolean => this.detached;

  private beginPut(options: WaitOptions | undefined): Deadline {
    const deadline = this.begin(options);
    if (!this.channel.endsWithProducers) return deadline;
    throw new StateError(
      `${this.title}: can't put here, the queue ends with its producers; put through queue.producer`,
    );
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    return deadline;
  }

  private nothingError(options: WaitOptions | undefined): QueueEmptyError | ClosedError | EndOfStreamError {
    if (this.over()) {
      if (!this.channel.items.closed) {
        return new EndOfStreamError(
          `${this.title}: nothing to get, no thread has its producing side open and all items are taken; stop here`,
        );
      }
      return new ClosedError(
        `${this.title}: nothing to get, it was closed and all its items are taken; stop here`,
      );
    }
    return new QueueEmptyError(
      `${this.title}: nothing to get, it is empty${after(options)}; wait longer, or put items in`,
    );
  }
}

/**
 * @internal The channel's part of a queue's options. Throws `InvalidTypeError`,
 * `OutOfRangeError`.
 */
export function channelOptions(title: string, options: QueueOptions | undefined): ChannelOptions {
  const { maxSize = 0, bytes = DEFAULT_BYTES, endsWithProducers = false } = options ?? {};
  if (typeof endsWithProducers !== 'boolean') {
    throw new InvalidTypeError(
      `${title}: refused, endsWithProducers is ${inspect(endsWithProducers)}; pass true or false`,
    );
  }
  checkWhole(title, 'maxSize', maxSize, 0, MOST_ITEMS);
  checkWhole(title, 'bytes', bytes, 1, MOST_BYTES);
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(bytes, LEAST_BYTES)));
  return { most: maxSize, capacity, endsWithProducers };
}

/** @internal Fills the cell of a queue that is being made. */
export function initQueue(place: Place, agent: Host, options: ChannelOptions): void {
  Channel.init(place, agent, options);
}

function checkWhole(title: string, what: string, value: unknown, least: number, most: number): void {
  if (typeof value !== 'number') {
    throw new InvalidTypeError(
      `${title}: refused, ${what} is ${inspect(value)}; pass a whole number from ${least} to ${most}`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new OutOfRangeError(
      `${title}: refused, ${what} is ${value}; pass a whole number from ${least} to ${most}`,
    );
  }
}
