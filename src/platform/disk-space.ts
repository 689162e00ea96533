/** Disk space: turns a full file system into an error, for every call that meets it. */

import { statfsSync } from 'node:fs';
import { NoSpaceError, PlatformError } from '../errors.ts';

/**
 * Mode of the files of a namespace: for the owner alone. The sticky bit tells systemd-tmpfiles,
 * which removes what is old, to leave the file alone (tmpfiles.d(5)).
 */
export const FILE_MODE = 0o1600;

/**
 * Runs what fills the file. Throws `NoSpaceError` where its file system has no room left,
 * `PlatformError` for another refusal.
 */
export function withDiskSpace<Result>(path: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT') throw noDiskSpace(path, error);
    throw new PlatformError(`shared memory "${path}": can't be written, ${message}; check its file system`, {
      cause: error,
    });
  }
}

/**
 * The error for a file that its full file system has no room for. `at` is where that is asked what
 * is free, for a file of so many `bytes`.
 */
export function noDiskSpace(
  path: string,
  cause?: unknown,
  wanted?: { bytes: number; at: string },
): NoSpaceError {
  const why = wanted === undefined ? 'its file system is full' : lacking(wanted.bytes, wanted.at);
  return new NoSpaceError(
    `shared memory "${path}": can't be made, ${why}; ` +
      'free space there (df and df -i show it), enlarge it, or point LOCKSTEP_DIR at a larger tmpfs',
    cause === undefined ? undefined : { cause },
  );
}

function lacking(bytes: number, at: string): string {
  try {
    const { bavail, bsize } = statfsSync(at);
    return `it takes ${bytes} bytes and its file system has ${bavail * bsize} free`;
  } catch {
    // The folder is gone, or /proc can't be read.
    return `its file system has no room for ${bytes} bytes`;
  }
}
