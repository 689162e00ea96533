/** SimpleQueue: put, get, empty, close, and no more; the same ring as Queue. */

import { inspect } from 'node:util';
import type { Kind } from '../agents/kinds.ts';
import type { ObjectOptions } from '../contracts.ts';
import { InvalidTypeError } from '../errors.ts';
import { openHandle } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { obtainQueue } from './queue.ts';
import type { QueueDescription } from './queue-base.ts';
import { QueueBase } from './queue-base.ts';
import { defineChannelKind } from './ring/channel.ts';

/**
 * A queue with `put`, `get`, `empty` and `close` only. It has no limit for the number of items, and
 * no timeouts. For more, see `Queue`.
 */
export class SimpleQueue<Item = unknown> extends QueueBase<Item> {
  /** Makes a queue, or opens the queue of that name. */
  constructor(options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: ObjectOptions | Opened) {
    super(SIMPLE_QUEUE_KIND, source instanceof Opened ? source : obtainQueue(SIMPLE_QUEUE_KIND, source));
  }

  /** Opens the queue that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Item = unknown>(handle: string): SimpleQueue<Item> {
    return new SimpleQueue<Item>(openHandle(SIMPLE_QUEUE_KIND, handle));
  }

  /**
   * Waits until there is room, and puts the value into the queue; the event loop keeps running.
   * Rejects with `ClosedError`, `NotSendableError`. *If a process dies*, see `Queue`.
   */
  put(value: Item, none?: undefined): Promise<void> {
    return none === undefined ? this.putItem(value, undefined) : refused(this.title, none);
  }

  /** As `put`, but *blocks* the thread while there is no room. */
  putSync(value: Item, none?: undefined): void {
    if (none !== undefined) throw refusal(this.title, none);
    this.putItemSync(value, undefined);
  }

  /**
   * Waits for the oldest item and takes it; the event loop keeps running. Rejects with
   * `ClosedError` if the queue was closed and is empty.
   */
  get(none?: undefined): Promise<Item> {
    return none === undefined ? this.getItem(undefined) : refused(this.title, none);
  }

  /** As `get`, but *blocks* the thread while there is no item. */
  getSync(none?: undefined): Item {
    if (none !== undefined) throw refusal(this.title, none);
    return this.getItemSync(undefined);
  }

  override describe(): QueueDescription {
    return SharedObject.describe(this, () => this.describeQueue());
  }
}

/** Options that would be ignored are refused. */
function refusal(title: string, options: unknown): InvalidTypeError {
  return new InvalidTypeError(
    `${title}: refused, it takes no options, and was given ${inspect(options)}; use a Queue for timeouts and signals`,
  );
}

function refused(title: string, options: unknown): Promise<never> {
  return Promise.reject(refusal(title, options));
}

export const SIMPLE_QUEUE_KIND: Kind = defineChannelKind({
  number: 19,
  name: 'SimpleQueue',
  open: SimpleQueue.open,
});
