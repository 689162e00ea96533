/** Places for LOCKSTEP_DIR, good and bad. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sandbox } from './sandbox.ts';

let places = 0;

/** A fresh folder of its own. */
export function place(): string {
  const path = join(sandbox, `place-${places++}`);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** Removes what `place` or `tmpfs` made. */
export function removePlace(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** The folder of a named namespace of this user. */
export function namespaceFolder(path: string, namespace = 'default'): string {
  return join(path, `lockstep-${process.geteuid?.()}.${namespace}`);
}

/** Why a tmpfs can't be mounted here; `undefined` if it can. */
export function whyNoTmpfs(): string | undefined {
  if (process.geteuid?.() !== 0) return 'mounting a tmpfs takes root';
  const path = place();
  try {
    mount(path, 'size=64k');
    unmount(path);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    removePlace(path);
  }
}

export function mount(path: string, options: string): void {
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', path]);
  if (status !== 0) throw new Error(`mount: ${String(stderr).trim()}`);
}

export function unmount(path: string): void {
  const { status, stderr } = spawnSync('umount', [path]);
  if (status !== 0) throw new Error(`umount: ${String(stderr).trim()}`);
}
