/** A member's side of the conversation that member.ts describes. */

import { createConnection } from 'node:net';
import { threadId } from 'node:worker_threads';
import { currentProcess, currentThread } from 'lockstep';
import { encode, type Hello, type Order, type Outcome, onMessage } from '../wire.ts';
import type { Address } from './run.ts';

/** Carries out orders until the other side hangs up, or it is `gone`. `as`: who says hello. */
export async function serve(
  { path, serial }: Address,
  obey: (order: Order) => Promise<Outcome>,
  as: { readonly name?: string; readonly identity?: unknown } = {},
  gone?: AbortSignal,
): Promise<void> {
  const socket = createConnection(path);
  socket.on('error', () => socket.destroy()); // The test was killed; `close` follows.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  gone?.addEventListener('abort', () => socket.destroy());
  const { identity, name = threadId === 0 ? currentProcess().name : currentThread().name } = as;
  socket.write(encode({ serial, pid: process.pid, threadId, name, identity } satisfies Hello));
  onMessage(socket, (message) => {
    const order = message as Order;
    const report = (outcome: Outcome): unknown =>
      socket.writable && socket.write(encode({ ...outcome, id: order.id }));
    // Each in a turn of its own, so that a blocking one does not hold up the report on the one
    // before.
    setImmediate(() => void obey(order).then(report));
  });
  await closed;
}

/** What comes of the act, which begins at once. */
export async function outcomeOf(act: () => unknown): Promise<Outcome> {
  const start = performance.now();
  const milliseconds = (): number => performance.now() - start;
  try {
    const value = await act();
    return { value, milliseconds: milliseconds() };
  } catch (thrown) {
    const { name, message, code, stack = '', cause } = thrown as Error & { code?: unknown };
    const error = { name, message, code, stack, cause: String(cause) };
    return { error, milliseconds: milliseconds() };
  }
}
