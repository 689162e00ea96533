/**
 * The target of every actor: does what the test tells it, over a socket, until the test hangs up.
 */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import { threadId } from 'node:worker_threads';
import { type AsyncHold, currentProcess, currentThread } from 'lockstep';
import type { Style } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import { operations, type Self } from './operations.ts';
import {
  type Command,
  encode,
  fromReferencesOf,
  isHandle,
  onMessage,
  type Reply,
  type SharedObject,
} from './wire.ts';

export async function act(path: string, serial: number, style: Style): Promise<void> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const name = threadId === 0 ? currentProcess().name : currentThread().name;
  socket.write(encode({ serial, pid: process.pid, threadId, name }));

  const opened = new Map<string, object>();
  const holds = new Map<object, AsyncHold[]>();
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
      if (operation === 'forget') return { id, milliseconds: 0, value: await forget() };
      const body: unknown = Reflect.get(operations, operation);
      if (typeof body !== 'function') throw new TypeError(`no operation ${operation}`);
      const values = (await fromReferencesOf(args, opened, backend.open)) as unknown[];
      const value: unknown = await body(self, ...values);
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
  async function forget(): Promise<void> {
    for (const hold of [...holds.values()].flat().reverse()) {
      try {
        await hold.release();
      } catch {
        // Released by another, as a test may do.
      }
    }
    holds.clear();
    for (const [reference, object] of opened) {
      if (isHandle(reference)) (object as SharedObject).close();
      else await backend.close(object);
    }
    opened.clear();
  }
}
