/** ClusterQueue and ClusterJoinableQueue: items from many to many, over all processes. */

import { inspect } from 'node:util';
import type { AsyncJoinableQueue, AsyncQueue } from '../../contracts.ts';
import type { WaitOptions } from '../../deadline.ts';
import { Deadline } from '../../deadline.ts';
import { NoSpaceError, OverReleaseError, QueueEmptyError, QueueFullError } from '../../errors.ts';
import { checkOptions } from '../../options.ts';
import { showAsText } from '../../readable.ts';
import type { QueueMachine } from '../machines/kinds.ts';
import { queueOf } from '../machines/kinds.ts';
import type { CallId } from '../machines/machine.ts';
import type { Item as Kept, QueueView } from '../machines/queue.ts';
import { MOST_TEXT } from '../machines/queue.ts';
import type { Core } from './core.ts';
import { look, perform } from './core.ts';
import { ClusterDelivery } from './delivery.ts';
import { readText, textOf } from './item-text.ts';
import { QueueWait } from './queue-wait.ts';
import { checkCount } from './semaphore.ts';

export interface ClusterQueueOptions {
  /**
   * Maximum number of waiting items when this object puts one; 0, the default: as many as there is
   * room for.
   */
  maxSize?: number | undefined;
}

/** Options of `receive`. */
export interface ReceiveOptions extends WaitOptions {
  /** Milliseconds after which an item that is not acknowledged goes back; default 30,000. */
  visibility?: number | undefined;
}

/** The state of a queue of the cluster, as `describe()` returns it. */
export interface ClusterQueueDescription {
  readonly kind: string;
  readonly name: string;
  /** Items that wait in it. */
  readonly size: number;
  /** Items that were received and are not acknowledged. */
  readonly received: number;
  /** Calls that wait: for an item, for room, and in `join`. */
  readonly waiting: number;
}

const VISIBILITY_MS = 30_000;
const MACHINES = { Queue: queueOf('Queue'), JoinableQueue: queueOf('JoinableQueue') };

/**
 * A queue over all processes of the cluster. It carries the values that structured clone accepts,
 * each with up to 262,144 characters. Over Redis and PostgreSQL their number is not limited. In
 * `lockstep/memory` all items together may have no more characters.
 *
 * `get` removes an item: it is delivered at most once, and lost if its consumer dies. `receive`
 * only lends it, until `ack`: if the consumer dies or takes too long, another consumer gets it.
 */
export class ClusterQueue<Item = unknown> implements AsyncQueue<Item> {
  readonly name: string;
  /** @internal */
  protected readonly core: Core;
  /** @internal */
  protected readonly machine: QueueMachine;
  /** @internal */
  protected readonly title: string;
  /** @internal */
  protected readonly waits: QueueWait;
  private readonly most: number;

  /** @internal */
  constructor(
    core: Core,
    name: string,
    options: ClusterQueueOptions,
    kind: 'Queue' | 'JoinableQueue' = 'Queue',
  ) {
    this.core = core;
    this.name = name;
    this.title = `${kind} ${JSON.stringify(name)}`;
    this.machine = MACHINES[kind];
    this.waits = new QueueWait(core, name, this.machine, this.title);
    checkOptions(this.title, options, 'ClusterQueue', '{ maxSize: 100 }');
    const { maxSize = 0 } = options;
    checkCount(this.title, 'maxSize', maxSize, 0);
    this.most = maxSize;
  }

  /** Its kind and name. Only the server knows its state. */
  toString(): string {
    return `<${this.title}>`;
  }

  /** Items that wait in it. */
  get size(): Promise<number> {
    return this.view().then(({ size }) => size);
  }

  /**
   * Puts the value in, as soon as there is room. Rejects with `QueueFullError` when the timeout has
   * passed, with `NotSendableError`, and with `NoSpaceError` if it can never fit. After these
   * errors nothing was put. *Cancels* by `signal`. Rejects with `StoreError` if the server can't be
   * reached when the timeout has passed, and with `LeaseLostError` if the lease is lost before the
   * reply: the server may have the item.
   */
  async put(value: Item, options?: WaitOptions): Promise<void> {
    if (await this.putIn(value, options)) return;
    throw new QueueFullError(
      `${this.title}: can't put, it is full${after(options)}; wait longer, or take items out`,
    );
  }

  /** Puts the value in if there is room; resolves to whether there was. */
  tryPut(value: Item): Promise<boolean> {
    return this.putIn(value, { timeout: 0 });
  }

  /**
   * Takes the oldest item, as soon as there is one. Rejects with `QueueEmptyError` when the timeout
   * has passed, or with `StoreError` if the server can't be reached then. *Cancels* by `signal`. If
   * the lease is lost, it starts again; an item that the server had already handed out is then
   * lost. Use `receive` where no item may be lost.
   */
  async get(options?: WaitOptions): Promise<Item> {
    const item = await this.take(options);
    if (item !== undefined) return readText(item[1]) as Item;
    throw this.empty('get', options);
  }

  /** Takes the oldest item; `null` if there is none. */
  async tryGet(): Promise<Item | null> {
    const item = await this.take({ timeout: 0 });
    return item === undefined ? null : (readText(item[1]) as Item);
  }

  /**
   * Borrows the oldest item, as soon as there is one, until `delivery.ack()`. Otherwise the item
   * goes back to its place: by `nack()`, after `visibility` milliseconds of the server's clock, or
   * when the lease of this process ends. So an item may be delivered more than once. Rejects with
   * `QueueEmptyError` when the timeout has passed, or with `StoreError` if the server can't be
   * reached then. *Cancels* by `signal`.
   */
  async receive({
    visibility: visible = VISIBILITY_MS,
    ...options
  }: ReceiveOptions = {}): Promise<ClusterDelivery<Item>> {
    const deadline = Deadline.begin(options);
    checkCount(this.title, 'visibility', visible, 1);
    const got = await this.waits.make('receive', deadline, (call, wait) => ({
      op: 'receive',
      call,
      wait,
      visible,
    }));
    if (got?.reply.is !== 'got') throw this.empty('receive', options);
    const { lease, call, reply } = got;
    const value = readText(reply.item[1]) as Item;
    return new ClusterDelivery(value, reply.item[2], {
      title: this.title,
      lease,
      end: (op) => this.core.calls.make(this.name, this.machine, ...this.endOf(op, call)),
    });
  }

  /** Takes item after item, until the loop ends. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    for (;;) yield await this.get();
  }

  async describe(): Promise<ClusterQueueDescription> {
    const { size, received, waiting } = await this.view();
    return { kind: this.machine.kind, name: this.name, size, received, waiting };
  }

  /** @internal */
  protected async view(): Promise<QueueView> {
    const reply = await look(this.core, this.name, this.machine, { op: 'look' });
    if (reply.is === 'view') return reply.view;
    throw new Error(`${this.title}: unexpected reply ${inspect(reply)}`);
  }

  private endOf(op: 'ack' | 'nack', of: CallId): [CallId, { op: 'ack' | 'nack'; call: CallId; of: CallId }] {
    const call = this.core.session.nextCall();
    return [call, { op, call, of }];
  }

  private async putIn(value: Item, options: WaitOptions | undefined): Promise<boolean> {
    const deadline = Deadline.begin(options);
    const text = textOf(value, this.title);
    if (text.length > MOST_TEXT) {
      throw new NoSpaceError(
        `${this.title}: can't put, the item has ${text.length} characters, and ${MOST_TEXT} is the most; put a key of it`,
      );
    }
    const { most } = this;
    const put = await this.waits.make('put', deadline, (call, wait) => ({
      op: 'put',
      call,
      text,
      most,
      wait,
    }));
    return put?.reply.is === 'put';
  }

  private async take(options: WaitOptions | undefined): Promise<Kept | undefined> {
    const deadline = Deadline.begin(options);
    const got = await this.waits.make('get', deadline, (call, wait) => ({ op: 'get', call, wait }));
    return got?.reply.is === 'got' ? got.reply.item : undefined;
  }

  private empty(what: string, options: WaitOptions | undefined): QueueEmptyError {
    return new QueueEmptyError(
      `${this.title}: can't ${what}, it is empty${after(options)}; wait longer, or put items in`,
    );
  }
}

/**
 * A queue whose consumers report finished items: by `ack` after `receive`, by `taskDone` after
 * `get`.
 */
export class ClusterJoinableQueue<Item = unknown>
  extends ClusterQueue<Item>
  implements AsyncJoinableQueue<Item>
{
  /** @internal */
  constructor(core: Core, name: string, options: ClusterQueueOptions) {
    super(core, name, options, 'JoinableQueue');
  }

  /** Items that were put and not reported done. */
  get unfinished(): Promise<number> {
    return this.view().then(({ unfinished }) => unfinished);
  }

  /** Reports one item done. Rejects with `OverReleaseError` if all items are already done. */
  async taskDone(): Promise<void> {
    const { reply } = await perform(this.core, this.name, this.machine, (call) => ({
      op: 'done' as const,
      call,
    }));
    if (reply.is !== 'tooMany') return;
    throw new OverReleaseError(
      `${this.title}: taskDone refused, all items that were put are done already; call it once for each item`,
    );
  }

  /**
   * Waits until all items are done; resolves to `false` when the timeout has passed. Rejects with
   * `StoreError` if the server can't be reached then. *Cancels* by `signal`.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const deadline = Deadline.begin(options);
    let joins = true;
    const joined = await this.waits.make('join', deadline, (call, wait, again) => {
      joins = !again;
      return wait ? { op: 'join', call, joins } : { op: 'look' };
    });
    if (joined?.reply.is === 'view') return joined.reply.view.unfinished === 0;
    return joined?.reply.is === 'done';
  }
}

function after(options: WaitOptions | undefined): string {
  const timeout = options?.timeout ?? 0;
  return timeout > 0 ? ` and has been for ${timeout} ms` : '';
}

showAsText(ClusterQueue);
