/**
 * Moving: values that go between a thread and the one that started it without a copy, through the
 * port that also takes the thread's outcome. A value is found by its number.
 */

import type { MessagePort } from 'node:worker_threads';

type TransferList = Parameters<MessagePort['postMessage']>[1];

/** A message with a moved value. */
export interface MovedMessage {
  readonly moved?: readonly [number: number, content: unknown] | undefined;
}

export class Moving {
  private readonly port: MessagePort;
  /** Takes all other messages. */
  private readonly other: (message: object) => void;
  private readonly arrived = new Map<number, unknown>();

  constructor(port: MessagePort, other: (message: object) => void = () => {}) {
    this.port = port;
    this.other = other;
  }

  /** Sends a value, and moves what is in the list. Throws a `DataCloneError`. */
  send(number: number, content: unknown, list: TransferList): void {
    const message: MovedMessage = { moved: [number, content] };
    this.port.postMessage(message, list);
  }

  /** The value of that number; `undefined`: it has not arrived. */
  take(number: number): unknown {
    while (!this.arrived.has(number) && this.read());
    const content = this.arrived.get(number);
    this.arrived.delete(number);
    return content;
  }

  /** Reads a message; returns whether there was one. */
  read(): boolean {
    const { receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
    const received = receiveMessageOnPort(this.port) as { message: MovedMessage } | undefined;
    if (received === undefined) return false;
    const { moved } = received.message;
    if (moved === undefined) this.other(received.message);
    else this.arrived.set(...moved);
    return true;
  }
}

let own: Moving | undefined;

/** Notes the port of this thread. */
export function moveBy(port: MessagePort): void {
  own = new Moving(port);
}

/** How values move between this thread and the one that started it; `undefined` in a process. */
export function ownMoving(): Moving | undefined {
  return own;
}
