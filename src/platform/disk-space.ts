/** Disk space: turns a full file system into an error, for every call that meets it. */

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

export function noDiskSpace(path: string, cause?: unknown): NoSpaceError {
  return new NoSpaceError(
    `shared memory "${path}": can't be made, its file system is full; ` +
      'free space there (df and df -i show it), enlarge it, or point LOCKSTEP_DIR at a larger tmpfs',
    cause === undefined ? undefined : { cause },
  );
}
