/** Install: makes sure that a server's program is there: by apt, where that is allowed. */

import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

const POLICY = '/usr/sbin/policy-rc.d';

/** The first of `paths` that exists, after installing `name` if none does. */
export function programOf(name: string, paths: readonly string[]): string {
  const found = (): string | undefined => paths.find((path) => existsSync(path));
  const there = found();
  if (there !== undefined) return there;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `these tests need ${name}; install it: sudo apt-get install --no-install-recommends ${name}`,
    );
  }
  install(name);
  const installed = found();
  if (installed === undefined) throw new Error(`${name} was installed, and is not at ${paths.join(' or ')}`);
  return installed;
}

function install(name: string): void {
  // The package's own server is not to be started.
  const policy = !existsSync(POLICY);
  if (policy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    run('apt-get', ['update', '-q']);
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', name]);
  } finally {
    if (policy) rmSync(POLICY);
  }
}

function run(command: string, args: readonly string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stderr, stdout } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 300_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed (${status}):\n${stdout}\n${stderr}`);
}
