/** SimpleQueue: put, get, empty, close, and no more; the same ring as Queue. */

import type { ObjectType } from '../agents/cell.ts';
import type { ObjectOptions } from '../contracts.ts';
import { KIND } from '../memory/layout.ts';
import { openHandle, registerClass } from '../objects/handles.ts';
import { Opened } from '../objects/opened.ts';
import type { QueueDescription } from './message-queue.ts';
import { MessageQueue } from './message-queue.ts';
import { obtainQueue } from './queue.ts';
import { registerChannel } from './ring/channel.ts';

const TYPE: ObjectType = { kind: KIND.SIMPLE_QUEUE, name: 'SimpleQueue', serial: true, lasting: false };

/** A queue without sizes and timeouts. For everything else see `Queue`. */
export class SimpleQueue<Item = unknown> extends MessageQueue<Item> {
  /** Makes a queue, or opens the one of that name. */
  constructor(options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: ObjectOptions | Opened) {
    super(TYPE, source instanceof Opened ? source : obtainQueue(TYPE, source));
  }

  /** Opens the queue that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Item = unknown>(handle: string): SimpleQueue<Item> {
    return new SimpleQueue<Item>(openHandle(TYPE, handle));
  }

  /** Puts the value in, as soon as there is room; the event loop goes on. Rejects with `ClosedError`, `NotSendableError`. */
  put(value: Item): Promise<void> {
    return this.putItem(value, undefined);
  }

  /** The same; *blocks* the thread while there is no room. */
  putSync(value: Item): void {
    this.putItemSync(value, undefined);
  }

  /** Takes the oldest item, as soon as there is one; the event loop goes on. Rejects with `ClosedError` when it was closed and is empty. */
  get(): Promise<Item> {
    return this.getItem(undefined);
  }

  /** The same; *blocks* the thread while there is no item. */
  getSync(): Item {
    return this.getItemSync(undefined);
  }

  override describe(): QueueDescription {
    return this.describeQueue();
  }
}

registerChannel(KIND.SIMPLE_QUEUE, TYPE.name);
registerClass(TYPE.name, SimpleQueue.open);
