/**
 * The target of every actor: does what the test tells it, over a socket, until the test hangs up.
 */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import { threadId } from 'node:worker_threads';
import { currentProcess, currentThread, type Hold } from 'lockstep';
import { operations, type Self, type Style } from './operations.ts';
import { type Command, encode, fromReferences, onMessage, type Reply, type SharedObject } from './wire.ts';

export async function act(path: string, serial: number, style: Style): Promise<void> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const name = threadId === 0 ? currentProcess().name : currentThread().name;
  socket.write(encode({ serial, pid: process.pid, threadId, name }));

  const opened = new Map<string, SharedObject>();
  const holds = new Map<string, Hold[]>();
  const self: Self = { style, holds };
  onMessage(socket, (message) => {
    // Each in a turn of its own, so that a blocking one does not hold up the reply to the one
    // before.
    setImmediate(() => {
      void obey(message as Command).then((reply) => socket.writable && socket.write(encode(reply)));
    });
  });
  socket.on('error', () => socket.destroy()); // The test was killed; `close` follows.
  await once(socket, 'close');

  async function obey({ id, operation, args }: Command): Promise<Reply> {
    const start = performance.now();
    try {
      if (operation === 'forget') return { id, milliseconds: 0, value: forget() };
      const body: unknown = Reflect.get(operations, operation);
      if (typeof body !== 'function') throw new TypeError(`no operation ${operation}`);
      const value: unknown = await body(self, ...(fromReferences(args, opened) as unknown[]));
      return { id, milliseconds: performance.now() - start, value };
    } catch (thrown) {
      const error = thrown as Error & { code?: unknown };
      const { name, message, code, stack = '', cause } = error;
      return {
        id,
        milliseconds: performance.now() - start,
        error: { name, message, code, stack, cause: String(cause) },
      };
    }
  }

  /** Lets go of all that is left from a test. */
  function forget(): void {
    for (const hold of [...holds.values()].flat().reverse()) {
      try {
        hold.release();
      } catch {
        // Released by another, as a test may do.
      }
    }
    holds.clear();
    for (const object of opened.values()) object.close();
    opened.clear();
  }
}
