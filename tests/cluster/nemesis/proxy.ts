/** A TCP proxy that cuts, delays and drops what goes through it. */

import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export class ToxicProxy {
  /**
   * The proxy discards bytes from the server: requests are carried out, and nobody learns of it.
   */
  dropsReplies = false;
  private readonly server: Server;
  private readonly pairs = new Set<readonly [Socket, Socket]>();
  private held = false;
  private refuses = false;

  private constructor(target: number) {
    this.server = createServer((client) => {
      if (this.refuses) {
        client.destroy();
        return;
      }
      const server = connect(target, '127.0.0.1');
      const pair = [client, server] as const;
      this.pairs.add(pair);
      const close = (): void => {
        client.destroy();
        server.destroy();
        this.pairs.delete(pair);
      };
      for (const socket of pair) {
        socket.setNoDelay(true);
        socket.on('error', close);
        socket.on('close', close);
        if (this.held) socket.pause();
      }
      client.on('data', (bytes) => server.write(bytes));
      server.on('data', (bytes) => {
        if (!this.dropsReplies) client.write(bytes);
      });
    });
  }

  static async before(target: number): Promise<ToxicProxy> {
    const proxy = new ToxicProxy(target);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  /** Closes every connection; new ones are accepted. */
  cut(): void {
    for (const sockets of this.pairs) for (const socket of sockets) socket.destroy();
  }

  /** Closes every connection, and new ones at once, until `open`. */
  shut(): void {
    this.refuses = true;
    this.cut();
  }

  open(): void {
    this.refuses = false;
  }

  /** Nothing goes through, and nothing is lost, until `pass`. */
  hold(): void {
    this.held = true;
    for (const sockets of this.pairs) for (const socket of sockets) socket.pause();
  }

  pass(): void {
    this.held = false;
    for (const sockets of this.pairs) for (const socket of sockets) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
