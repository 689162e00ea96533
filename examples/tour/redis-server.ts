// Redis server: the server for the cluster's programs. It is the one that REDIS_URL names, or a new
// one on a free port. `npm start -- cluster`, run as root, first installs Redis by apt-get.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The exit code by which a program says that it can't run here. */
export const SKIPPED = 77;
const PLACES = ['/usr/bin/redis-server', '/usr/local/bin/redis-server', '/usr/bin/valkey-server'];
const POLICY = '/usr/sbin/policy-rc.d';

export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** The server. Where there is none, says what to do, and ends the program. */
export async function startRedis(): Promise<Server> {
  const { REDIS_URL: url } = process.env;
  if (url !== undefined) return { url, stop: async () => {} };
  const program = find() ?? install();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-tour-'));
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn(program, args, { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  };
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${program} has ended with code ${child.exitCode}`);
    await sleep(10);
  }
  return { url: `redis://127.0.0.1:${port}`, stop };
}

function find(): string | undefined {
  return PLACES.find((path) => existsSync(path));
}

function install(): string {
  const { LOCKSTEP_TOUR } = process.env;
  const named = LOCKSTEP_TOUR === 'named';
  if (named && process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0) {
    console.log('Installing redis-server by apt-get …');
    apt();
    const program = find();
    if (program !== undefined) return program;
  }
  console.log('No Redis server here. Either of these brings one:');
  console.log('  sudo apt-get install redis-server     (as root, `npm start -- cluster` does that itself)');
  console.log('  REDIS_URL=redis://host:6379 npm start -- cluster');
  process.exit(named ? 1 : SKIPPED);
}

/** The package's own server is not started. */
function apt(): void {
  const policy = !existsSync(POLICY);
  if (policy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-q'],
    ['install', '-q', '-y', '--no-install-recommends', 'redis-server'],
  ]) {
    const { status, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' });
    if (status !== 0) console.log(`apt-get ${args[0]} has failed:\n${stdout}${stderr}`);
  }
  if (policy) rmSync(POLICY);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTo(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
