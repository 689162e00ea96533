/** Install: makes sure that a server's program is there: by apt, where that is allowed. */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const POLICY = '/usr/sbin/policy-rc.d';
/** Test files run side by side, and apt refuses to run twice. */
const LOCK = join(tmpdir(), 'lockstep-tests-install.lock');

/** The first of `paths` that exists, after installing `name` if none does. */
export function programOf(name: string, paths: readonly string[]): string {
  return foundOf(name, () => paths.find((path) => existsSync(path)));
}

/** What `find` finds, after installing `name` if it finds nothing. */
export function foundOf(name: string, find: () => string | undefined): string {
  const there = find();
  if (there !== undefined) return there;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `these tests need ${name}; install it: sudo apt-get install --no-install-recommends ${name}`,
    );
  }
  const lock = openSync(LOCK, 'w');
  try {
    // The lock belongs to the open file: it stays until this process closes it, or dies.
    run('flock', ['3'], ['ignore', 'pipe', 'pipe', lock]);
    if (find() === undefined) install(name);
  } finally {
    closeSync(lock);
  }
  const installed = find();
  if (installed === undefined) throw new Error(`${name} was installed, and its program is not found`);
  return installed;
}

function install(name: string): void {
  // The package's own server is not to be started.
  const policy = !existsSync(POLICY);
  if (policy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run('apt-get', ['update', '-q']);
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', name]);
  } finally {
    if (policy) rmSync(POLICY);
  }
}

function run(
  command: string,
  args: readonly string[],
  stdio: ('ignore' | 'pipe' | number)[] = ['ignore', 'pipe', 'pipe'],
): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, error, stderr, stdout } = spawnSync(command, args, {
    env,
    stdio,
    encoding: 'utf8',
    timeout: 600_000,
  });
  if (status !== 0) {
    const ended = error?.message ?? `exit code ${status}`;
    throw new Error(`${command} ${args.join(' ')} failed (${ended}):\n${stdout}\n${stderr}`);
  }
}
