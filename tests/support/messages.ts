/** An actor's calls of queues and pipes. */

import type {
  AsyncJoinableQueue,
  AsyncQueue,
  Connection,
  Event,
  JoinableQueue,
  Queue,
  SimpleQueue,
  WaitOptions,
} from 'lockstep';
import { EndOfStreamError, waitAny, waitAnySync } from 'lockstep';
import type { Self } from './operations.ts';
import { until } from './until.ts';

type AnyQueue = AsyncQueue<unknown> | SimpleQueue;
type End = Connection;

/** Values that can't travel to the actor by themselves, made where they are put. */
export const UNSENDABLE: Record<string, () => unknown> = {
  function: () => () => {},
  symbol: () => Symbol('s'),
  promise: () => Promise.resolve(),
  nested: () => ({ list: [1, { act: () => {} }] }),
  proxy: () => new Proxy({ a: 1 }, {}),
  'proxy of a list': () => new Proxy([1], {}),
  'proxy of bytes': () => new Proxy(new Uint8Array(1), {}),
  'nested proxy': () => ({ list: [1, new Proxy({ a: 1 }, {})] }),
  'proxy in a map': () => new Map([['key', { inner: new Proxy({}, {}) }]]),
  'revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return [proxy];
  },
};

/** Calls that may wait, by awaiting, while their end is closed. */
const WAITS = {
  recv: (end: End) => end.recv(),
  'recv with a timeout': (end: End) => end.recv({ timeout: 60_000 }),
  recvBytes: (end: End) => end.recvBytes(),
  poll: (end: End) => end.poll({ timeout: 60_000 }),
  waitAny: (end: End) => waitAny([end]),
  iterate: (end: End) => end[Symbol.asyncIterator]().next(),
  send: (end: End) => fill(() => end.send(LARGE)),
  sendBytes: (end: End) => fill(() => end.sendBytes(LARGE)),
} satisfies Record<string, (end: End) => Promise<unknown>>;

export type WaitOfEnd = keyof typeof WAITS;

const LARGE = new Uint8Array(200_000);

async function fill(send: () => Promise<void>): Promise<never> {
  for (;;) await send();
}

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

  async tryPut(_self: Self, queue: AsyncQueue<unknown>, value: unknown): Promise<boolean> {
    return await queue.tryPut(value);
  },

  async tryGet(_self: Self, queue: AsyncQueue<unknown>): Promise<unknown> {
    return await queue.tryGet();
  },

  /** Puts `[from, 0]`, `[from, 1]`… */
  async putMany(self: Self, queue: AnyQueue, from: string, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await messages.putItem(self, queue, [from, n]);
  },

  /** Takes so many items. */
  async getMany(self: Self, queue: AnyQueue, count: number): Promise<unknown[]> {
    const all: unknown[] = [];
    while (all.length < count) all.push(await messages.getItem(self, queue));
    return all;
  },

  /** Puts 0, 1, … without a pause. */
  putNumbers(_self: Self, queue: Queue, count: number): void {
    for (let n = 0; n < count; n++) queue.putSync(n);
  },

  /** Puts the same value several times. */
  async putItems(self: Self, queue: AnyQueue, value: unknown, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await messages.putItem(self, queue, value);
  },

  /** Takes all items until the queue is closed and empty. */
  async drain(self: Self, queue: AsyncQueue<unknown>): Promise<unknown[]> {
    if (self.style === 'blocking') return [...(queue as Queue)];
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

  async closeQueue(_self: Self, queue: AnyQueue): Promise<void> {
    await (queue as Queue).close();
  },

  async taskDone(_self: Self, queue: AsyncJoinableQueue<unknown>): Promise<void> {
    await queue.taskDone();
  },

  async join(self: Self, queue: AsyncJoinableQueue<unknown>, options?: WaitOptions): Promise<boolean> {
    return self.style === 'blocking' ? (queue as JoinableQueue).joinSync(options) : await queue.join(options);
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

  /** Sends `[from, 0]`, `[from, 1]`… */
  async sendMany(self: Self, end: End, from: number, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await messages.send(self, end, [from, n]);
  },

  /** Sends bytes of these lengths. */
  async sendLengths(self: Self, end: End, lengths: number[]): Promise<void> {
    for (const length of lengths) await messages.sendBytes(self, end, new Uint8Array(length).fill(length));
  },

  /** Lengths of the messages that come, of which each is checked to be whole. */
  async recvLengths(self: Self, end: End, count: number): Promise<number[]> {
    const lengths: number[] = [];
    for (let n = 0; n < count; n++) {
      const bytes = await messages.recvBytes(self, end);
      const whole = bytes.every((byte) => byte === (bytes.length & 0xff));
      lengths.push(whole ? bytes.length : Number.NaN);
    }
    return lengths;
  },

  async sendUnsendable(self: Self, end: End, which: string): Promise<void> {
    await messages.send(self, end, UNSENDABLE[which]?.());
  },

  /**
   * Sends until there is no room, and changes the bytes while the last call waits. Then sets the
   * event; gives the number of messages.
   */
  async sendBytesAndChange(_self: Self, end: End, bytes: Uint8Array, changed: Event): Promise<number> {
    for (let sent = 1; ; sent++) {
      const send = end.sendBytes(bytes);
      if (end.describe().waitingToSend === 0) continue;
      bytes.fill(0);
      changed.set();
      await send;
      return sent;
    }
  },

  closeEnd(_self: Self, end: End): void {
    end.close();
  },

  /** Begins to wait, and closes the end meanwhile. */
  async closeMeanwhile(_self: Self, end: End, what: WaitOfEnd): Promise<unknown> {
    const wait = WAITS[what](end);
    wait.catch(() => {});
    const waits = (): boolean => end.describe().waiting + end.describe().waitingToSend > 0;
    await until(waits, `${what} to wait`);
    end.close();
    return await wait;
  },

  /** Leaves a scope in which the end is used. Tells whether it is closed. */
  leaveScope(_self: Self, end: End): boolean {
    {
      using _scoped = end;
    }
    return end.closed;
  },

  /** Receives all that comes, of whichever is ready and at once, and drops each at its end. */
  async collect(self: Self, ends: End[]): Promise<unknown[]> {
    const messagesOfAll: unknown[] = [];
    for (let open = ends; open.length > 0; open = open.filter((end) => !end.closed)) {
      const ready = self.style === 'blocking' ? waitAnySync(open) : await waitAny(open);
      for (const end of ready) {
        try {
          messagesOfAll.push(await messages.recv(self, end, { timeout: 0 }));
        } catch (error) {
          if (!(error instanceof EndOfStreamError)) throw error;
          end.close();
        }
      }
    }
    return messagesOfAll;
  },

  /** Positions of those that are ready. */
  async waitAny(self: Self, objects: (Queue | End)[], options?: WaitOptions): Promise<number[]> {
    const ready = self.style === 'blocking' ? waitAnySync(objects, options) : await waitAny(objects, options);
    return ready.map((object) => objects.indexOf(object));
  },
};
