/**
 * A redis-server of the test's own: on a free port of the loopback, its data in a folder that goes.
 */

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from './install.ts';
import { isReady, spawnServer } from './server-process.ts';

/** Below the ports that the kernel gives to connections (ip_local_port_range). */
const FIRST_PORT = 10_000;
const PORTS = 20_000;
let asked = 0;

/**
 * A port that nobody has, nor gets while a server is stopped. One that the kernel gives to
 * connections would not do: whoever tries to reach the stopped server could get that very port, be
 * connected with itself, and keep the server from coming back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    // Test files that run side by side begin in different places.
    const port = FIRST_PORT + ((process.pid * 16 + asked++) % PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Whether something listens at the port. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

export class RedisServer {
  readonly port: number;
  private readonly program: string;
  readonly folder: string;
  private readonly everywhere: boolean;
  private child: ChildProcess | undefined;

  private constructor(port: number, program: string, everywhere: boolean) {
    this.port = port;
    this.everywhere = everywhere;
    this.program = program;
    this.folder = mkdtempSync(join(tmpdir(), 'lockstep-redis-'));
  }

  /**
   * `everywhere`: it listens at all addresses; for a network of the test's own. `program`: another
   * server of this protocol.
   */
  static async start({ everywhere = false, program = '' } = {}): Promise<RedisServer> {
    const paths = ['/usr/bin/redis-server', '/usr/local/bin/redis-server'];
    const server = new RedisServer(await freePort(), program || programOf('redis-server', paths), everywhere);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  /** Starts it (again), with what it has kept. */
  async start(): Promise<void> {
    const { port, folder, everywhere } = this;
    const options = {
      bind: everywhere ? '0.0.0.0' : '127.0.0.1',
      'protected-mode': everywhere ? 'no' : 'yes',
      port,
      dir: folder,
      save: '',
      appendonly: 'yes',
      // Each write is the kernel's before its reply. With `everysec` the server keeps writes to
      // itself while an earlier fsync takes its time, and loses them when it is killed.
      appendfsync: 'no',
    };
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawnServer(this.program, args);
    this.child = child;
    const ready = await isReady(child, () => listens(port), `a server at port ${port}`);
    if (!ready) throw new Error(`redis-server ended instead of listening at port ${port}`);
  }

  /** SIGKILL. Data that the server has written is in the kernel's hands, and stays. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await gone;
  }

  /** All that it had is gone. */
  forget(): void {
    rmSync(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
