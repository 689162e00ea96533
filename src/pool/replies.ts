/**
 * Replies: how a worker puts results into its ring. A value that can't be sent is replaced by the
 * error that says so.
 */

import { packWhole } from '../codec/parcel.ts';
import { NoSpaceError, NotSendableError } from '../errors.ts';
import type { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import type { Gate } from '../messaging/ring/gate.ts';
import { LateReports } from './late-reports.ts';
import type { Reply } from './messages.ts';
import { noRoom, REPLY } from './messages.ts';
import type { WorkerOrders } from './worker-orders.ts';

interface Failure {
  readonly error: unknown;
}

const RESULT = 'its result';
const THROWN = 'the value that it threw';
const YIELDED = 'the value that it yielded';

export class Replies {
  private readonly queue: Queue;
  private readonly channel: Channel;
  /** The gate at which the pool waits for results. */
  private readonly gate: Gate;
  private readonly title: string;
  private readonly nameOfCurrent: () => string;
  private ended = false;
  /** Reports that found no room: all that comes after them waits for them. */
  private readonly reports: LateReports;

  /**
   * @param nameOfCurrent the name of the function that runs
   * @param makeRoom given where the pool works in this thread: reads what was put
   */
  constructor({ results, tasks, title }: WorkerOrders, nameOfCurrent: () => string, makeRoom?: () => void) {
    this.queue = results;
    this.channel = results.channel;
    this.gate = tasks.channel.joins;
    this.title = title;
    this.nameOfCurrent = nameOfCurrent;
    this.reports = new LateReports(this.channel, () => this.gate.announce(), makeRoom);
  }

  /** Begins messages on the result of the function that runs. */
  get nameOfResult(): string {
    return `${this.title}: ${this.nameOfCurrent()}:`;
  }

  /** Puts nothing from now on: this local worker was given up while a task continued. */
  end(): void {
    this.ended = true;
  }

  /**
   * Puts the reply; returns a promise only if the put has to wait. `silently`: the pool finds it
   * with the next.
   */
  put(reply: Reply, silently = false): Promise<void> | undefined {
    if (this.ended) return undefined;
    const { settled } = this.reports;
    if (settled !== undefined) return settled.then(() => this.put(reply, silently));
    let isPut: boolean;
    try {
      isPut = this.channel.putter.putAtOnce(reply);
    } catch (error) {
      // A getter of the value has thrown.
      return this.putInstead(reply, error);
    }
    if (!isPut) return this.putLater(reply);
    if (!silently) this.gate.announce();
    return undefined;
  }

  /**
   * Puts a report of the task. *Blocks* for 50 ms at most if the ring is full. Throws
   * `NotSendableError`.
   */
  report(ticket: number, value: unknown): void {
    if (this.ended) return;
    const reply: Reply = [REPLY.REPORT, ticket, value];
    if (this.reports.settled === undefined && this.channel.putter.putAtOnce(reply)) {
      this.gate.announce();
      return;
    }
    const what = `${this.title}: ${this.nameOfCurrent()}:`;
    packWhole(value, 'process', what, 'its report');
    this.reports.put(reply, what);
  }

  /**
   * Puts a value of a stream; returns a promise only if the put has to wait. `error`: why the value
   * can't be sent.
   */
  putValue(ticket: number, value: unknown): Promise<Failure | undefined> | Failure | undefined {
    const failed = (error: unknown): Failure => ({ error: this.refusal(value, YIELDED, error) });
    if (this.ended) return undefined;
    const { settled } = this.reports;
    if (settled !== undefined) return settled.then(() => this.putValue(ticket, value));
    const reply: Reply = [REPLY.VALUE, ticket, value];
    try {
      if (!this.channel.putter.putAtOnce(reply)) return this.putLater(reply).then(() => undefined, failed);
    } catch (error) {
      return failed(error);
    }
    this.gate.announce();
    return undefined;
  }

  /** Puts the results of items; if one of them can't be encoded, one by one. */
  putItems(reply: Reply, values: readonly unknown[], silently: boolean): Promise<void> | undefined {
    const orOneByOne = (): Promise<void> => this.putOneByOne(reply, values);
    return this.put(reply, silently)?.catch(orOneByOne);
  }

  /** Puts results one by one, and an error in the place of each that can't be sent. */
  private async putOneByOne(
    [, ticket, first, , microseconds, isOver]: Reply,
    values: readonly unknown[],
  ): Promise<void> {
    const each = Math.round((microseconds as number) / values.length);
    for (const [index, value] of values.entries()) {
      const at = (first as number) + index;
      try {
        await this.put([REPLY.ITEMS, ticket, at, [value], each, false]);
      } catch (error) {
        await this.put([REPLY.ITEM_THREW, ticket, at, this.refusal(value, RESULT, error)]);
      }
    }
    const end = (first as number) + values.length;
    if (isOver === true) await this.put([REPLY.ITEMS, ticket, end, [], 0, true]);
  }

  private async putLater(reply: Reply): Promise<void> {
    // The ring may be full of replies that have rung no bell.
    this.gate.announce();
    try {
      await this.queue.put(reply);
    } catch (error) {
      await this.putInstead(reply, error);
      return;
    }
    this.gate.announce();
  }

  /** Puts an error instead of a reply that can't be encoded because of `error`. */
  private async putInstead(reply: Reply, error: unknown): Promise<void> {
    // Results of items are put one by one; a stream ends with the error.
    if (reply[0] === REPLY.ITEMS || reply[0] === REPLY.VALUE) throw error;
    try {
      await this.queue.put(withError(reply, this.reason(reply, error)));
    } catch {
      // Not even the error can be sent: its text can. A ring that can't be used throws again.
      const text = new NotSendableError(
        `${this.title}: ${this.nameOfCurrent()}: no result, reading it has thrown a value that can't be sent either; return plain data or shared objects`,
      );
      await this.queue.put(withError(reply, text));
    }
    this.gate.announce();
  }

  /** Why the reply can't be sent. */
  private reason([kind, ticket, ...rest]: Reply, error: unknown): unknown {
    if (kind === REPLY.RETURNED) return this.refusal(rest[0], RESULT, error);
    if (kind === REPLY.THREW) return this.refusal(rest[0], THROWN, error);
    return this.refusal(kind === REPLY.ITEM_THREW ? rest[1] : ticket, THROWN, error);
  }

  /** The error that names the function, and the path of the value from its result. */
  private refusal(value: unknown, what: string, error: unknown): unknown {
    if (error instanceof NoSpaceError)
      return noRoom(error, `${this.title}: ${this.nameOfCurrent()}: ${what}`);
    if (!(error instanceof NotSendableError)) return error;
    try {
      packWhole(value, 'process', `${this.title}: ${this.nameOfCurrent()}:`, what);
    } catch (better) {
      return better;
    }
    return error;
  }
}

/** The reply with an error in the place of its value. */
function withError([kind, ticket, ...rest]: Reply, error: unknown): Reply {
  if (kind === REPLY.RETURNED || kind === REPLY.THREW) return [REPLY.THREW, ticket, error, rest[1]];
  return kind === REPLY.ITEM_THREW ? [kind, ticket, rest[0], error] : [kind, error];
}
