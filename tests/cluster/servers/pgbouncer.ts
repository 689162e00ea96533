/** PgBouncer before a PostgreSQL server: each transaction gets another connection. */

import { type ChildProcess, spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from './install.ts';
import { freePort, listens } from './redis.ts';
import { isReady, spawnServer } from './server-process.ts';

export class PgBouncer {
  readonly url: string;
  private readonly child: ChildProcess;
  readonly folder: string;

  private constructor(url: string, child: ChildProcess, folder: string) {
    this.url = url;
    this.child = child;
    this.folder = folder;
  }

  /** With so few connections to the server that clients have to take turns. */
  static async before(serverPort: number, connections = 3): Promise<PgBouncer> {
    const program = programOf('pgbouncer', ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer']);
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'lockstep-pgbouncer-'));
    const settings = join(folder, 'pgbouncer.ini');
    const text = `[databases]
postgres = host=127.0.0.1 port=${serverPort} user=tester
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
`;
    writeFileSync(settings, text);
    // As root it refuses to run.
    const root = process.getuid?.() === 0;
    const [uid = 0, gid = 0] = ['-u', '-g'].map((what) =>
      Number(spawnSync('id', [what, 'postgres'], { encoding: 'utf8' }).stdout),
    );
    if (root) chownSync(folder, uid, gid);
    const child = spawnServer(program, [settings], { user: root ? { uid, gid } : undefined });
    const ready = await isReady(child, () => listens(port), `PgBouncer at port ${port}`);
    if (!ready) throw new Error(`PgBouncer ended instead of listening at port ${port}`);
    return new PgBouncer(`postgres://tester@127.0.0.1:${port}/postgres`, child, folder);
  }

  get pid(): number {
    return this.child.pid!;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
