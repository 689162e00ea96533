/** ClusterDelivery: an item on loan from a queue, until it is acknowledged. */

import { LeaseLostError } from '../../errors.ts';
import { showAsText } from '../../readable.ts';
import type { QueueReply } from '../machines/queue.ts';
import type { Result } from '../pending.ts';
import type { Lease } from '../session.ts';

/** The queue that the item comes from. */
interface Origin {
  readonly title: string;
  readonly lease: Lease;
  /** Ends it at the server. */
  end(op: 'ack' | 'nack'): Promise<Result<QueueReply>>;
}

export class ClusterDelivery<Item = unknown> {
  readonly value: Item;
  /** How often the item has been delivered so far: 1 the first time. */
  readonly attempts: number;
  private readonly origin: Origin;
  private ending: { op: 'ack' | 'nack'; promise: Promise<void> } | undefined;

  /** @internal */
  constructor(value: Item, attempts: number, origin: Origin) {
    this.value = value;
    this.attempts = attempts;
    this.origin = origin;
  }

  /** One line on its state. */
  toString(): string {
    const how = this.ending === undefined ? 'on loan' : `${this.ending.op}ed`;
    return `<Delivery from ${this.origin.title} ${how}>`;
  }

  /**
   * Reports the item as done; it leaves the queue forever. Idempotent. Rejects with
   * `LeaseLostError` if the item has gone back meanwhile: another consumer may have it.
   */
  ack(): Promise<void> {
    return this.end('ack');
  }

  /** Puts the item back to its place. Rejects like `ack`; does nothing after it. */
  nack(): Promise<void> {
    return this.end('nack');
  }

  /** `nack`, unless it was acknowledged. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ending === undefined) await this.nack();
    else await this.ending.promise;
  }

  private end(op: 'ack' | 'nack'): Promise<void> {
    this.ending ??= { op, promise: this.tell(op) };
    if (this.ending.op === op || op === 'nack') return this.ending.promise;
    return this.ending.promise.then(() => {
      throw this.gone('it was put back');
    });
  }

  private async tell(op: 'ack' | 'nack'): Promise<void> {
    const { lease, end } = this.origin;
    if (lease.lost !== undefined) throw lease.lost;
    const { reply } = await end(op);
    if (reply.is === 'gone') throw this.gone('its time was over');
  }

  private gone(why: string): LeaseLostError {
    return new LeaseLostError(
      `${this.origin.title}: the delivery has ended, ${why}; another may have the item, make what was done void or harmless`,
    );
  }
}

showAsText(ClusterDelivery);
