/**
 * A namespace's folder: made, checked and entered. Removing it: folder-removal.ts.
 *
 *   $LOCKSTEP_DIR/lockstep-<uid>.<namespace>   named: shared by the programs of one user
 *   $LOCKSTEP_DIR/lockstep-<uid>~<random>      anonymous: of one program and its children
 *
 * Every program inside holds the kernel's shared lock on the file `control`. A program that gets
 * the lock exclusively knows that no agent is inside, and may remove the folder.
 *
 * Race: R gets the exclusive lock, N has opened `control` and waits for the shared one.
 *   R renames and removes, N gets its lock on a file that no longer has a path: N compares inodes
 *   and starts again.
 * Race: N has made the folder. R looks, and finds no `control` yet. N makes it and enters, and R
 *   removes the folder with N inside. So R holds the folder's own lock, exclusive, from before its
 *   look until the removal is done. N makes `control` under the same lock, shared.
 *
 * Strangers: where others may make folders beside it (/dev/shm), anyone may put one of his own
 * under the name as soon as ours is gone. So the way to it is checked (platform/way.ts). The folder
 * is opened once and checked through its descriptor (platform/directory.ts). After the lock was
 * got, it is checked again: the path still leads to it, it is this user's alone, and its `control`
 * is the file that is locked.
 */

import { closeSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { now } from '#clock';
import { FolderError, LayoutError, NoSpaceError, StaleHandleError } from '../errors.ts';
import { segmentBytes } from '../memory/layout.ts';
import type { Segment } from '../memory/segment.ts';
import { createSegmentFile, mapSegment } from '../memory/segment.ts';
import { platform } from '../platform/current.ts';
import { Directory } from '../platform/directory.ts';
import { noDiskSpace } from '../platform/disk-space.ts';
import { whyUnsafe } from '../platform/way.ts';
import { sleep } from '../sleep.ts';
import { removePathIfEmpty } from './folder-removal.ts';
import { base, CONTROL, FOLDER_FORM } from './paths.ts';

/** Milliseconds to wait for a program that is just removing the folder. */
const REMOVAL_PATIENCE = 5000;

export interface Entered {
  readonly directory: Directory;
  readonly control: Segment;
  /** Holds the shared lock on `control` while open. */
  readonly fd: number;
}

/**
 * Enters the folder, making it first where `create` is set. Throws `StaleHandleError` if it is not
 * there.
 */
export function enterFolder(path: string, create: boolean): Entered {
  platform.checkSupported();
  checkWay(path);
  try {
    return enter(path, create);
  } catch (error) {
    // Remove a folder that could not be completed.
    if (create && error instanceof NoSpaceError) removePathIfEmpty(path);
    if (!create || !(error instanceof LayoutError)) throw error;
    // The programs of another version that used the folder may all be dead: remove it and make a
    // new one. If another program did so first, the folder is new already.
    removePathIfEmpty(path);
    return enter(path, create);
  }
}

/**
 * Throws `FolderError` where strangers could change where the path leads, or it is no path of a
 * namespace.
 */
function checkWay(path: string): void {
  if (!FOLDER_FORM.test(path) || resolve(path) !== path) {
    throw new FolderError(
      `namespace ${JSON.stringify(path.slice(0, 200))}: refused, this is not the path of a namespace's folder; pass a handle as it was made`,
    );
  }
  const unsafe = whyUnsafe(dirname(path));
  if (unsafe === undefined) return;
  throw new FolderError(
    `namespace "${path}": refused, ${unsafe}; let only root and yourself write to each folder on the way (chmod go-w), ` +
      'or set its sticky bit (chmod +t), or set LOCKSTEP_DIR to another folder',
  );
}

function enter(path: string, create: boolean): Entered {
  const patience = now() + REMOVAL_PATIENCE;
  for (;;) {
    if (create) makeFolder(path);
    const directory = Directory.open(path);
    try {
      // Try to lock the folder that was opened.
      const entered = directory && tryEnter(directory, create, patience);
      if (entered !== undefined) return entered;
    } catch (error) {
      directory?.close();
      throw error;
    }
    directory?.close();
    if (!create) {
      throw new StaleHandleError(
        `namespace "${path}": can't be entered, it no longer exists; keep a program inside while handles to it are in use`,
      );
    }
    // The folder was removed in between: try again.
    pause(path, patience);
  }
}

/** Enters the open folder; `undefined`: it went away meanwhile. */
function tryEnter(directory: Directory, create: boolean, patience: number): Entered | undefined {
  if (create && !makeControl(directory, patience)) return undefined;
  const fd = directory.open(CONTROL);
  if (fd === undefined) return undefined;
  try {
    // A shared lock keeps others from removing the folder.
    while (!platform.tryLockFile(fd, 'shared')) pause(directory.path, patience);
    // The path may lead to another folder by now.
    if (directory.isInPlace && directory.isStill(CONTROL, fd)) {
      return { directory, control: mapControl(directory), fd };
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return undefined;
}

/** *Blocks* for a moment. Throws `FolderError` when the patience is at its end. */
function pause(path: string, patience: number): void {
  if (now() > patience) {
    throw new FolderError(
      `namespace "${path}": refused, another program has been removing it for ${REMOVAL_PATIENCE} ms; end that program, or remove the folder`,
    );
  }
  sleep(1);
}

/** The error for a folder that was removed from under its programs. */
export function removedFolder(path: string): FolderError {
  return new FolderError(
    `namespace "${path}": can no longer be used, its folder was removed while programs used it; systemd-logind does that at a user's ` +
      'last logout (RemoveIPC=yes), and so do cleaners of temporary files: run "loginctl enable-linger", or set LOCKSTEP_DIR to a folder ' +
      'on a tmpfs that nothing cleans, then restart all programs that share it',
  );
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code === 'ENOSPC') throw noDiskSpace(path, error);
    throw new FolderError(
      `namespace "${path}": can't be made, ${code === 'ENOENT' && !existsSync(base()) ? `the folder "${base()}" does not exist` : `no folder can be made in "${base()}" (${code})`}; ` +
        'mount a tmpfs at /dev/shm, or set LOCKSTEP_DIR to a folder on a tmpfs that you may write to',
      { cause: error },
    );
  }
}

/**
 * Makes `control` if there is none; returns `false` if the folder went away meanwhile. *Blocks*
 * while another program looks at the folder in order to remove it.
 */
function makeControl(directory: Directory, patience: number): boolean {
  if (directory.stat(CONTROL) !== undefined) return true;
  // Keep programs from looking whether they may remove the folder, until `control` is there.
  while (!platform.tryLockFile(directory.fd, 'shared')) pause(directory.path, patience);
  try {
    createSegmentFile(directory, CONTROL, segmentBytes(0));
    return true;
  } catch (error) {
    if (error instanceof FolderError && !directory.isInPlace) return false;
    throw error;
  } finally {
    platform.unlockFile(directory.fd);
  }
}

/**
 * Maps through a descriptor of its own: a mapping keeps its file open, and with it the kernel's
 * lock.
 */
function mapControl(directory: Directory): Segment {
  const path = directory.nameOf(CONTROL);
  const fd = directory.open(CONTROL);
  if (fd === undefined) {
    throw new FolderError(
      `shared memory "${path}": can't be opened, another program or a cleaner removed it; start the program again`,
    );
  }
  try {
    return mapSegment(fd, path, segmentBytes(0));
  } finally {
    closeSync(fd);
  }
}
