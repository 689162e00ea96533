// @ts-check
/** A PostgreSQL server of the bench's own: on a free port, with fsync, in a folder that goes. */
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LIB = '/usr/lib/postgresql';
/** A process of the bench has one connection that listens, and up to four that ask. */
const CONNECTIONS = 400;

/** PostgreSQL refuses to run as root: then the user of its package runs it. */
function account() {
  if (process.getuid?.() !== 0) return {};
  const [uid = 0, gid = 0] = ['-u', '-g'].map((what) => Number(spawnSync('id', [what, 'postgres']).stdout));
  return { uid, gid };
}

/** The server; `undefined` where the program is missing. */
export async function startPostgres() {
  const versions = existsSync(LIB) ? readdirSync(LIB).sort((a, b) => Number(b) - Number(a)) : [];
  if (versions[0] === undefined) return undefined;
  const programs = join(LIB, versions[0], 'bin');
  const user = account();
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const { status, stderr } = spawnSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { encoding: 'utf8', ...user, cwd: folder },
  );
  if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  await new Promise((resolve) => probe.close(resolve));
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: CONNECTIONS,
    fsync: 'on',
    synchronous_commit: 'on',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(programs, 'postgres'), ['-D', data, ...args], { stdio: 'ignore', ...user });
  const ready = () => spawnSync(join(programs, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', `${port}`]);
  while (ready().status !== 0) await sleep(50);
  const stop = async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGQUIT');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: `postgres://bench@127.0.0.1:${port}/postgres`, stop };
}
