/**
 * The target of every actor that is a process or thread: does what the test tells it, over a
 * socket, until the test hangs up.
 */

import { once } from 'node:events';
import { createConnection } from 'node:net';
import { threadId } from 'node:worker_threads';
import type { Style } from './backends/backend.ts';
import { backend } from './backends/chosen.ts';
import { Performer } from './performer.ts';
import { type Command, encode, onMessage } from './wire.ts';

export async function act(path: string, serial: number, style: Style): Promise<void> {
  const socket = createConnection(path);
  await once(socket, 'connect');
  const { identity, name } = backend.self;
  socket.write(encode({ serial, pid: process.pid, threadId, name, identity }));

  const performer = new Performer(backend.self, style);
  onMessage(socket, (message) => {
    // Each in a turn of its own, so that a blocking one does not hold up the reply to the one
    // before.
    setImmediate(() => {
      void performer.obey(message as Command).then((reply) => socket.writable && socket.write(encode(reply)));
    });
  });
  socket.on('error', () => socket.destroy()); // The test was killed; `close` follows.
  await once(socket, 'close');
}
