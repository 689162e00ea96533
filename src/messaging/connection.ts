/**
 * Connection: one end of a pipe. Each end has its own cell, which lives as long as a thread has
 * that end open. So each end notices when the other is gone. Between them lie one or two channels.
 *
 *   word  name              bits                            written by
 *   +0    PEER              cell of the other end           the maker of the pipe
 *   +1    PEER_GENERATION                                   the same
 *   +2    OUT               channel to send by; 0 none      the same
 *   +3    OUT_GENERATION                                    the same
 *   +4    IN                channel to receive by; 0 none   the same
 *   +5    IN_GENERATION                                     the same
 *
 * An agent that closes an end, or the reaper of one that died with it, wakes all waiters at the
 * channels. They check whether the other end still exists.
 */

import { inspect } from 'node:util';
import { load } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { countWaiting } from '../agents/waiters.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import {
  BrokenPipeError,
  ClosedError,
  EndOfStreamError,
  InvalidTypeError,
  OutOfRangeError,
  StateError,
  TimedOutError,
} from '../errors.ts';
import { CELL_BODY } from '../memory/layout.ts';
import { openHandle } from '../objects/handles.ts';
import type { Opened } from '../objects/opened.ts';
import { openPart, partExists } from '../objects/parts.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { withOrigin } from '../stacks.ts';
import { servedAtOnce, turnIfDue } from '../turns.ts';
import { takeAwaiting, takeBlocking } from '../waiting/taking.ts';
import { checkMost, sliceOf } from './byte-messages.ts';
import { Channel, defineChannelKind } from './ring/channel.ts';
import { Outgoing } from './ring/outgoing.ts';
import { NOTHING } from './ring/ring-reader.ts';

export const PEER_WORD: number = CELL_BODY;
export const OUT_WORD: number = CELL_BODY + 2;
export const IN_WORD: number = CELL_BODY + 4;

/** The state of an end of a pipe, as `describe()` returns it. */
export interface ConnectionDescription extends Description {
  readable: boolean;
  writable: boolean;
  /** Messages that wait to be received here. */
  size: number;
  /** Whether any thread has the other end open. */
  connected: boolean;
  /**
   * Calls that wait for a message at this end, in all processes; `waitingToSend`: calls that wait
   * for room to send.
   */
  waiting: number;
  waitingToSend: number;
}

/**
 * One end of a pipe. Messages keep their boundaries and their order. You can pass an end to other
 * processes and threads. If several have the same end open, each message goes to one of them.
 *
 * *If the other end is gone*, because all threads that had it open have closed it or died, you can
 * still receive its messages; then `recv` throws `EndOfStreamError`. `send` throws
 * `BrokenPipeError`. A sender that dies within `send` has either sent the whole message or nothing.
 */
export class Connection<Received = unknown, Sent = unknown> extends SharedObject {
  private readonly out: Channel | undefined;
  private readonly in: Channel | undefined;
  /** Whether this end is closed for receiving only. */
  private deaf = false;

  /** @internal */
  constructor(opened: Opened) {
    super(CONNECTION_KIND, opened);
    this.out = channelAt(this.cell, OUT_WORD, this.title);
    this.in = channelAt(this.cell, IN_WORD, this.title);
    this.out?.putter.setReceiver(load(this.cell.words, this.cell.at + PEER_WORD));
  }

  /** Opens the end that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open<Received = unknown, Sent = unknown>(handle: string): Connection<Received, Sent> {
    return new Connection<Received, Sent>(openHandle(CONNECTION_KIND, handle));
  }

  /** Whether this end can receive. */
  get readable(): boolean {
    return this.in !== undefined;
  }

  /** Whether this end can send. */
  get writable(): boolean {
    return this.out !== undefined;
  }

  /**
   * Waits until there is room, and sends the value; the event loop keeps running. Rejects with
   * `NotSendableError` if the value can't be sent, with `BrokenPipeError` if no thread has the
   * other end open, and with `TimedOutError` at the timeout. Nothing was sent then. *Cancels* by
   * `signal`.
   */
  async send(value: Sent, options?: WaitOptions): Promise<void> {
    const { out, deadline } = this.beginSend(options);
    if (out.putter.putAtOnce(value)) return turnIfDue();
    const outgoing = new Outgoing(value, `${this.title}:`);
    if (await out.putter.putLater(outgoing, deadline, this, this.gone, this.notSentError)) return turnIfDue();
    await turnIfDue();
    throw withOrigin(this.notSent(options), deadline.origin);
  }

  /** As `send`, but *blocks* the thread while there is no room. */
  sendSync(value: Sent, options?: WaitOptions): void {
    const { out, deadline } = this.beginSend(options);
    if (out.putter.putAtOnce(value)) return;
    if (!out.putter.putSync(new Outgoing(value, `${this.title}:`), deadline, this.gone))
      throw this.notSent(options);
  }

  /**
   * Waits for the next message and receives it; the event loop keeps running. Rejects with
   * `EndOfStreamError` if no thread has the other end open and all messages were received, with
   * `TimedOutError` at the timeout. *Cancels* by `signal`.
   */
  async recv(options?: WaitOptions): Promise<Received> {
    const { channel, deadline } = this.beginReceive(options);
    const turn = turnIfDue();
    if (turn !== undefined && (this.ready() || deadline.expired)) {
      // Take nothing before the turn of the event loop that is due.
      await turn;
      this.checkOpen();
      deadline.throwIfAborted();
    }
    const value = await channel.taker.takeLater(deadline, this.over, this, this.endedError);
    if (value === NOTHING) throw withOrigin(this.notReceived(options), deadline.origin);
    return value as Received;
  }

  /** As `recv`, but *blocks* the thread until there is a message. */
  recvSync(options?: WaitOptions): Received {
    const { channel, deadline } = this.beginReceive(options);
    const value = channel.taker.takeSync(deadline, this.over);
    if (value === NOTHING) throw this.notReceived(options);
    return value as Received;
  }

  /**
   * Whether `recv` would return or throw without waiting, because there is a message or the other
   * end is gone. With a timeout, waits up to that long for it; the event loop keeps running.
   */
  async poll(options: WaitOptions = { timeout: 0 }): Promise<boolean> {
    const { channel, deadline } = this.beginReceive(options);
    if (this.ready()) return servedAtOnce(true);
    if (deadline.expired) return servedAtOnce(false);
    const wait = channel.items.waitFor(this.ready, this.ready);
    return servedAtOnce(await takeAwaiting(channel.cell, wait, deadline, this));
  }

  /** As `poll`, but *blocks* the thread, no longer than the timeout. */
  pollSync(options: WaitOptions = { timeout: 0 }): boolean {
    const { channel, deadline } = this.beginReceive(options);
    if (this.ready()) return true;
    if (deadline.expired) return false;
    return takeBlocking(channel.cell, channel.items.waitFor(this.ready, this.ready), deadline);
  }

  /**
   * Sends bytes, or a slice of them, as one message. Rejects with `OutOfRangeError` if the slice is
   * not within the bytes.
   */
  async sendBytes(bytes: ArrayBufferView | ArrayBuffer, offset = 0, size?: number): Promise<void> {
    const { out, deadline } = this.beginSend(undefined);
    const slice = sliceOf(this.title, bytes, offset, size);
    const outgoing = Outgoing.ofBytes(slice);
    if (!(await out.putter.putLater(outgoing, deadline, this, this.gone, this.notSentError)))
      throw this.notSent(undefined);
    return turnIfDue();
  }

  /** As `sendBytes`, but *blocks* the thread while there is no room. */
  sendBytesSync(bytes: ArrayBufferView | ArrayBuffer, offset = 0, size?: number): void {
    const { out, deadline } = this.beginSend(undefined);
    const slice = sliceOf(this.title, bytes, offset, size);
    if (!out.putter.putSync(Outgoing.ofBytes(slice), deadline, this.gone)) throw this.notSent(undefined);
  }

  /**
   * Receives a message of bytes. If it is longer than `most`, the call rejects with
   * `OutOfRangeError`, and this end can no longer receive.
   */
  async recvBytes(most?: number, options?: WaitOptions): Promise<Uint8Array> {
    checkMost(this.title, most);
    return this.asBytes(await (this as Connection).recv(options), most);
  }

  /** As `recvBytes`, but *blocks* the thread until there is a message. */
  recvBytesSync(most?: number, options?: WaitOptions): Uint8Array {
    checkMost(this.title, most);
    return this.asBytes((this as Connection).recvSync(options), most);
  }

  /**
   * Closes this end in this thread. Idempotent. The other end notices it when no other thread has
   * this end open. Calls that still wait through it reject with `ClosedError`.
   */
  override close(): void {
    if (this.detached) return;
    const { out } = this;
    const received = this.in;
    out?.putter.refuseWithinPut('close');
    for (const channel of [out, received]) channel?.rejectAll(this);
    super.close();
    out?.wakeAll();
    received?.wakeAll();
  }

  /** Receives message after message, until the other end is gone and all messages were received. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void, void> {
    for (;;) {
      const turn = turnIfDue();
      if (turn !== undefined) await turn;
      const { channel } = this.beginReceive(undefined);
      const value = await channel.taker.takeLater(Deadline.NEVER, this.over, this);
      if (value === NOTHING) return;
      yield value as Received;
    }
  }

  override describe(): ConnectionDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      return {
        kind: CONNECTION_KIND.name,
        name: this.name ?? null,
        handle: this.handle,
        readable: this.readable,
        writable: this.writable,
        size: this.in?.ring.size ?? 0,
        connected: this.connected,
        waiting: this.in === undefined ? 0 : countWaiting(namespace, this.in.cell),
        waitingToSend: this.out === undefined ? 0 : countWaiting(namespace, this.out.rooms.cell),
      };
    });
  }

  protected override summary(): string {
    const { readable, writable, size, connected } = this.describe();
    const ways = [readable ? 'receives' : '', writable ? 'sends' : '']
      .filter((way) => way !== '')
      .join(' and ');
    return `${ways}${connected ? '' : ', the other end is gone'}${size === 0 ? '' : `, ${size} to receive`}`;
  }

  /** @internal Whether `recv` would not wait. */
  readonly ready = (): boolean => !this.in!.ring.empty || !this.connected;

  /** @internal */
  get receiving(): Channel | undefined {
    return this.in;
  }

  private get connected(): boolean {
    return partExists(this.cell, this.cell, PEER_WORD, CONNECTION_KIND.number);
  }

  private readonly gone = (): boolean => !this.connected;

  /**
   * No more messages will come. Check the end first, then the ring: messages sent before the end
   * was closed are in the ring.
   */
  private readonly endedError = (): Error => this.notReceived(undefined);
  private readonly notSentError = (): Error => this.notSent(undefined);

  private readonly over = (): boolean => !this.connected && this.in!.ring.empty;

  private beginSend(options: WaitOptions | undefined): { out: Channel; deadline: Deadline } {
    this.checkOpen();
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    const { out } = this;
    if (out === undefined) {
      throw new StateError(
        `${this.title}: can't send, this end only receives; send at the other end, or make the pipe duplex`,
      );
    }
    if (!this.connected) throw this.broken();
    return { out, deadline };
  }

  private beginReceive(options: WaitOptions | undefined): { channel: Channel; deadline: Deadline } {
    this.checkOpen();
    const deadline = Deadline.from(options);
    deadline.throwIfAborted();
    if (this.in === undefined) {
      throw new StateError(
        `${this.title}: can't receive, this end only sends; receive at the other end, or make the pipe duplex`,
      );
    }
    if (this.deaf) {
      throw new ClosedError(
        `${this.title}: can't receive, a message was longer than was asked for; make another pipe`,
      );
    }
    return { channel: this.in, deadline };
  }

  private asBytes(message: unknown, most: number | undefined): Uint8Array {
    if (!(message instanceof Uint8Array)) {
      throw new InvalidTypeError(
        `${this.title}: received ${inspect(message)}, which is not bytes; use recv() for values`,
      );
    }
    if (most === undefined || message.length <= most) return message;
    const { length } = message;
    this.deaf = true;
    if (!this.writable) this.close();
    throw new OutOfRangeError(
      `${this.title}: received ${length} bytes where at most ${most} were wanted, and receives no more; ask for more`,
    );
  }

  private notSent(options: WaitOptions | undefined): Error {
    if (this.detached) return this.closedError();
    if (!this.connected) return this.broken();
    return new TimedOutError(
      `${this.title}: can't send, there was no room for ${options?.timeout ?? 0} ms; wait longer, or receive at the other end`,
    );
  }

  private notReceived(options: WaitOptions | undefined): Error {
    if (this.over()) {
      return new EndOfStreamError(
        `${this.title}: nothing to receive, the other end is gone and all it sent was received; stop here`,
      );
    }
    return new TimedOutError(
      `${this.title}: nothing to receive for ${options?.timeout ?? 0} ms; wait longer, or poll() before`,
    );
  }

  private broken(): BrokenPipeError {
    return new BrokenPipeError(
      `${this.title}: can't send, no thread has the other end open; keep it open while you send`,
    );
  }
}

/** The channel that the end's word names; `undefined` if there is none. */
function channelAt(of: Cell, word: number, title: string): Channel | undefined {
  const cell = openPart(of, PIPE_KIND, of, word, title);
  return cell && Channel.of(cell, title);
}

export const PIPE_KIND: Kind = defineChannelKind({ number: 16, name: 'Pipe' });
export const CONNECTION_KIND: Kind = defineKind({
  number: 23,
  name: 'Connection',
  needs: [OUT_WORD, IN_WORD],
  endIsAwaited: true,
  open: Connection.open,
});
