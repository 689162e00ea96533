/**
 * Removal of a namespace's folder: by the last program inside, and of old ones by a program that
 * starts.
 *
 * A program that gets the exclusive lock on the file `control` knows that no agent is inside. It
 * renames the folder first, so that a newcomer finds either the whole folder or none.
 *
 * Race: S removes the folder, between its look and its renaming another remover R is faster, and a
 * stranger takes the name.
 *   S would rename the stranger's folder. So a remover has the exclusive lock of the folder itself,
 *   too, from before its look until the end. While it has both locks, no program of this user takes
 *   the folder away, and a stranger can't. It deletes entries of the open folder, and never follows
 *   a path.
 */

import { closeSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { FolderError, PlatformError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import { Directory } from '../platform/directory.ts';
import { uniqueName } from '../platform/unique.ts';
import { whyUnsafe } from '../platform/way.ts';
import { base, CONTROL, prefix } from './paths.ts';

/** Gives up the shared lock and removes the folder if no other program is inside. */
export function leaveFolder(directory: Directory, fd: number): void {
  closeSync(fd);
  try {
    // Otherwise it is left to the next program of the user who owns it.
    if (!directory.isForeign) removeIfEmpty(directory);
  } finally {
    directory.close();
  }
}

/** Removes the folders of this user that no program uses. Returns how many it removed. */
export function sweepFolders(): number {
  const parent = base();
  // The code that wants to make a folder in a missing or unsafe one refuses it, with advice.
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory() || whyUnsafe(parent) !== undefined)
    return 0;
  let removed = 0;
  let failure: unknown;
  for (const name of foldersIn(parent)) {
    if (!name.startsWith(`${prefix()}.`) && !name.startsWith(`${prefix()}~`)) continue;
    try {
      if (removePathIfEmpty(resolve(parent, name))) removed++;
    } catch (error) {
      // The others are still to be looked at.
      failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
  return removed;
}

/**
 * The names in the folder; nothing for a user who may make folders there and not see those of
 * others.
 */
function foldersIn(parent: string): string[] {
  try {
    return readdirSync(parent);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES') return [];
    throw new PlatformError(`folder "${parent}": can't be swept, ${message}; check its file system`, {
      cause,
    });
  }
}

/** Removes the folder at that path if no program is inside. Returns whether it did. */
export function removePathIfEmpty(path: string): boolean {
  let directory: Directory | undefined;
  try {
    directory = Directory.open(path);
  } catch (error) {
    // Leave a folder that is a stranger's, or open to strangers.
    if (error instanceof FolderError) return false;
    throw error;
  }
  if (directory === undefined) return false;
  try {
    return removeIfEmpty(directory);
  } finally {
    directory.close();
  }
}

/** Removes the folder if no program is inside. Closing it gives its lock back. */
function removeIfEmpty(directory: Directory): boolean {
  const { path } = directory;
  let fd: number | undefined;
  try {
    if (!platform.tryLockFile(directory.fd, 'exclusive')) return false;
    fd = directory.stat(CONTROL)?.type === 'file' ? directory.open(CONTROL) : undefined;
    if (fd === undefined ? livesAnybody(directory) : !isUnlocked(directory, fd)) return false;
    if (!directory.isInPlace) return false;
    const trash = resolve(dirname(path), `${prefix()}~${uniqueName()}`);
    if (!directory.moveTo(trash)) return false;
    directory.empty();
    if (directory.isAt(trash)) rmdirSync(trash);
    return true;
  } catch (error) {
    // Another program was faster, or the folder is not safe to touch, which an agent that enters
    // reports.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || error instanceof FolderError) return false;
    throw new PlatformError(
      `namespace "${path}": can't be removed, ${(error as Error).message}; remove it by hand`,
      { cause: error },
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Takes the exclusive lock of the open `control`, if it still is that. */
function isUnlocked(directory: Directory, control: number): boolean {
  return platform.tryLockFile(control, 'exclusive') && directory.isStill(CONTROL, control);
}

/**
 * Whether an agent lives in a folder without a control file: it was never made, or somebody has
 * removed or replaced it.
 */
function livesAnybody(directory: Directory): boolean {
  // An agent has its FIFO open for reading, too: one that nobody reads was a dead agent's
  // (life.ts).
  return directory.list('agent-').some((name) => {
    const fd = directory.openFifoToWrite(name);
    if (fd === undefined) return false;
    closeSync(fd);
    return true;
  });
}
