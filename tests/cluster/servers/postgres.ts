/** A PostgreSQL server of the test's own: on a free port of the loopback, in a folder that goes. */

import { type ChildProcess, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foundOf } from './install.ts';
import { freePort } from './redis.ts';
import { isReady, spawnServer } from './server-process.ts';

const LIB = '/usr/lib/postgresql';

/** The folder of the newest version's programs. */
function programs(): string | undefined {
  const versions = existsSync(LIB) ? readdirSync(LIB).sort((a, b) => Number(b) - Number(a)) : [];
  return versions.map((version) => `${LIB}/${version}/bin`).find((bin) => existsSync(`${bin}/initdb`));
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package has made. */
function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ['-u', '-g'].map((what) =>
    Number(spawnSync('id', [what, 'postgres'], { encoding: 'utf8' }).stdout),
  );
  return { uid: uid!, gid: gid! };
}

export class PostgresServer {
  readonly port: number;
  private readonly programs: string;
  readonly folder: string;
  private readonly user = account();
  private child: ChildProcess | undefined;
  private frozen = false;

  private constructor(port: number, programs: string) {
    this.port = port;
    this.programs = programs;
    this.folder = mkdtempSync(join(tmpdir(), 'lockstep-postgres-'));
    if (this.user !== undefined) chownSync(this.folder, this.user.uid, this.user.gid);
  }

  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), foundOf('postgresql', programs));
    server.init();
    await server.start();
    return server;
  }

  get url(): string {
    return `postgres://tester@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  async start(): Promise<void> {
    const { port, folder, user } = this;
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: 100,
      // In its folder: in /dev/shm they would stay when it is killed.
      dynamic_shared_memory_type: 'mmap',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawnServer(join(this.programs, 'postgres'), ['-D', join(folder, 'data'), ...args], {
      signal: 'SIGQUIT',
      user,
    });
    this.child = child;
    const answers = (): boolean =>
      spawnSync(join(this.programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status ===
      0;
    const ready = await isReady(child, answers, 'PostgreSQL to be ready');
    if (!ready) throw new Error(`PostgreSQL ended instead of listening at port ${port}`);
  }

  /** SIGQUIT: at once, as in a crash; it recovers at its next start. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGQUIT');
    await gone;
  }

  /** Stops the server with all its processes; it starts no new ones once it stands itself. */
  freeze(): void {
    this.frozen = true;
    process.kill(this.pid, 'SIGSTOP');
    for (const pid of this.backends()) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    this.frozen = false;
    for (const pid of [...this.backends(), this.pid]) process.kill(pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.frozen) this.thaw();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Its processes. One that has ended stays until the server has seen it. */
  private backends(): number[] {
    const children = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return children.split(' ').filter(Boolean).map(Number);
  }

  private init(): void {
    const { status, stderr } = spawnSync(
      join(this.programs, 'initdb'),
      ['-D', join(this.folder, 'data'), '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { encoding: 'utf8', ...this.user, cwd: this.folder },
    );
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  }
}
