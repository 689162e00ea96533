/** What an actor does with queues and pipes. */

import type { Connection, JoinableQueue, Queue, SimpleQueue, WaitOptions } from 'lockstep';
import { waitAny, waitAnySync } from 'lockstep';
import type { Self } from './operations.ts';

type AnyQueue = Queue | SimpleQueue;
type End = Connection;

/** Values that can't travel to the actor by themselves, made where they are put. */
export const UNSENDABLE: Record<string, () => unknown> = {
  function: () => () => {},
  symbol: () => Symbol('s'),
  promise: () => Promise.resolve(),
  nested: () => ({ list: [1, { act: () => {} }] }),
};

export const messages = {
  async putItem(self: Self, queue: AnyQueue, value: unknown, options?: WaitOptions): Promise<void> {
    if (self.style === 'blocking') (queue as Queue).putSync(value, options);
    else await (queue as Queue).put(value, options);
  },

  async getItem(self: Self, queue: AnyQueue, options?: WaitOptions): Promise<unknown> {
    return self.style === 'blocking'
      ? (queue as Queue).getSync(options)
      : await (queue as Queue).get(options);
  },

  tryPut(_self: Self, queue: Queue, value: unknown): void {
    queue.tryPut(value);
  },

  tryGet(_self: Self, queue: Queue): unknown {
    return queue.tryGet();
  },

  /** Puts `[from, 0]`, `[from, 1]`… */
  async putMany(self: Self, queue: AnyQueue, from: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await messages.putItem(self, queue, [from, n]);
  },

  /** Puts the same value several times. */
  async putItems(self: Self, queue: AnyQueue, value: unknown, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await messages.putItem(self, queue, value);
  },

  /** Takes all items until the queue is closed and empty. */
  async drain(self: Self, queue: Queue): Promise<unknown[]> {
    if (self.style === 'blocking') return [...queue];
    const all: unknown[] = [];
    for await (const item of queue) all.push(item);
    return all;
  },

  async putUnsendable(self: Self, queue: AnyQueue, which: string): Promise<void> {
    await messages.putItem(self, queue, UNSENDABLE[which]?.());
  },

  /** Puts an object, and changes it right after. */
  async putAndChange(self: Self, queue: AnyQueue): Promise<void> {
    const value = { n: 1, list: [1] };
    const put = messages.putItem(self, queue, value);
    value.n = 2;
    value.list.push(2);
    await put;
  },

  closeQueue(_self: Self, queue: AnyQueue): void {
    queue.close();
  },

  taskDone(_self: Self, queue: JoinableQueue): void {
    queue.taskDone();
  },

  async join(self: Self, queue: JoinableQueue, options?: WaitOptions): Promise<boolean> {
    return self.style === 'blocking' ? queue.joinSync(options) : await queue.join(options);
  },

  async send(self: Self, end: End, value: unknown, options?: WaitOptions): Promise<void> {
    if (self.style === 'blocking') end.sendSync(value, options);
    else await end.send(value, options);
  },

  async recv(self: Self, end: End, options?: WaitOptions): Promise<unknown> {
    return self.style === 'blocking' ? end.recvSync(options) : await end.recv(options);
  },

  async poll(self: Self, end: End, options?: WaitOptions): Promise<boolean> {
    return self.style === 'blocking' ? end.pollSync(options) : await end.poll(options);
  },

  async sendBytes(self: Self, end: End, bytes: Uint8Array, offset?: number, size?: number): Promise<void> {
    if (self.style === 'blocking') end.sendBytesSync(bytes, offset, size);
    else await end.sendBytes(bytes, offset, size);
  },

  async recvBytes(self: Self, end: End, most?: number): Promise<Uint8Array> {
    return self.style === 'blocking' ? end.recvBytesSync(most) : await end.recvBytes(most);
  },

  closeEnd(_self: Self, end: End): void {
    end.close();
  },

  /** Positions of those that are ready. */
  async waitAny(self: Self, objects: (Queue | End)[], options?: WaitOptions): Promise<number[]> {
    const ready = self.style === 'blocking' ? waitAnySync(objects, options) : await waitAny(objects, options);
    return ready.map((object) => objects.indexOf(object));
  },
};
