/** Room: what a full file system means, whichever call meets it first. */

import { NoSpaceError } from '../errors.ts';

/**
 * Mode of the files of a namespace: for the owner alone. The sticky bit tells systemd-tmpfiles, which removes what is old, to leave the
 * file alone (tmpfiles.d(5)).
 */
export const FILE_MODE = 0o1600;

/** Runs what makes or fills the file or folder; throws `NoSpaceError` where its file system has no room left. */
export function withRoom<Result>(path: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT' ? noRoom(path, error) : error;
  }
}

export function noRoom(path: string, cause?: unknown): NoSpaceError {
  return new NoSpaceError(
    `shared memory "${path}": can't be made, its file system is full; ` +
      'free space there (df and df -i show it), enlarge it, or point LOCKSTEP_DIR at a larger tmpfs',
    cause === undefined ? undefined : { cause },
  );
}
