// The service of `service-ready.ts`: a server that answers PING with PONG as Redis does, and the
// client's side.

import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { createInterface } from 'node:readline';

/** Serves on a port of 127.0.0.1; port 0 takes a free one. */
export async function serve(port: number): Promise<Server> {
  const server = createServer((socket) => {
    createInterface(socket).on('line', (line) =>
      socket.write(line === 'PING' ? '+PONG\r\n' : '-ERR unknown command\r\n'),
    );
    socket.on('error', () => socket.destroy());
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function freePort(): Promise<number> {
  const server = await serve(0);
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** The address of the Redis in REDIS_URL, or one of 127.0.0.1 on which nobody serves yet. */
export async function serviceAddress(redis: string | undefined): Promise<string> {
  if (!redis) return `redis://127.0.0.1:${await freePort()}`;
  if (!/^redis:\/\/[^/]/.test(redis)) throw new Error(`REDIS_URL is ${redis}; write redis://host:port`);
  return redis;
}

/**
 * Sends PING (after AUTH, if the address has a password) and returns the answer; fails if nobody
 * accepts.
 */
export async function ping(url: string): Promise<string> {
  const { hostname, port, username, password } = new URL(url);
  const socket = connect(Number(port || 6379), hostname);
  await once(socket, 'connect');
  const answers = createInterface(socket)[Symbol.asyncIterator]();
  if (password) {
    socket.write(`AUTH ${[username, password].filter(Boolean).map(decodeURIComponent).join(' ')}\r\n`);
    await answers.next();
  }
  socket.write('PING\r\n');
  const answer = await answers.next();
  socket.destroy();
  return String(answer.value);
}
