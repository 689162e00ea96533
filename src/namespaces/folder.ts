/**
 * A namespace's folder: found, made, checked, entered, left and swept.
 *
 *   $LOCKSTEP_DIR/lockstep-<uid>.<namespace>   named: shared by the programs of one user
 *   $LOCKSTEP_DIR/lockstep-<uid>~<random>      anonymous: of one program and its children
 *
 * Everyone inside holds the kernel's shared lock on the file `control`. Whoever gets it exclusively knows that nobody is
 * inside, and may remove the folder: renamed first, so that a newcomer finds either the whole folder or none.
 *
 * Race: R gets the exclusive lock, N has opened `control` and waits for the shared one.
 *   R renames and removes, N gets its lock on a file that has no path any more: N compares inodes and starts again.
 */

import type { Stats } from 'node:fs';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import {
  FolderError,
  InvalidTypeError,
  LayoutError,
  NameError,
  NoSpaceError,
  PlatformError,
  StaleHandleError,
} from '../errors.ts';
import { segmentBytes } from '../memory/layout.ts';
import type { Segment } from '../memory/segment.ts';
import { createSegmentFile, mapSegment } from '../memory/segment.ts';
import { platform } from '../platform/current.ts';
import { noRoom } from '../platform/room.ts';
import { uniqueName } from '../platform/unique.ts';

const bases = new Map<string, string>();
const DEFAULT_BASE = '/dev/shm';
export const CONTROL = 'control';
const OPEN_TO_OTHERS = 0o077;
/** Milliseconds to wait for whoever is just removing the folder. */
const REMOVAL_PATIENCE = 5000;
const NAMESPACE_FORM = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

export interface Entered {
  readonly control: Segment;
  /** Holds the shared lock on `control` while open. */
  readonly fd: number;
}

/** Folder of the named namespace. Throws `NameError` for a name that can't be one. */
export function namedFolder(namespace: string): string {
  if (typeof namespace !== 'string') {
    throw new InvalidTypeError(
      `namespace: refused, ${inspect(namespace)} is not a string; pass e.g. { namespace: "orders" }`,
    );
  }
  if (!NAMESPACE_FORM.test(namespace)) {
    throw new NameError(
      `namespace ${JSON.stringify(namespace.slice(0, 60))}: refused, a namespace has 1 to 100 letters, digits, "-", "_" or "." ` +
        '(not first); choose such a name',
    );
  }
  return `${base()}/${prefix()}.${namespace}`;
}

/** A fresh folder for a program without a named namespace. */
export function anonymousFolder(): string {
  return `${base()}/${prefix()}~${uniqueName()}`;
}

/** Enters the folder, making it first where `create` is set. Throws `StaleHandleError` if it is not there. */
export function enterFolder(path: string, create: boolean): Entered {
  try {
    return enter(path, create);
  } catch (error) {
    // Nothing shall be left of a folder that was made in vain.
    if (create && error instanceof NoSpaceError) removeIfEmpty(path);
    if (!create || !(error instanceof LayoutError)) throw error;
    // The programs of another version may all have been killed: then it goes, and if another program is faster it is new already.
    removeIfEmpty(path);
    return enter(path, create);
  }
}

function enter(path: string, create: boolean): Entered {
  const patience = performance.now() + REMOVAL_PATIENCE;
  for (;;) {
    if (create) makeFolder(path);
    const fd = openControl(path, create);
    if (fd === undefined) continue;
    try {
      while (!platform.tryLockFile(fd, 'shared')) {
        if (performance.now() > patience) {
          throw new FolderError(
            `namespace "${path}": refused, somebody has been removing it for ${REMOVAL_PATIENCE} ms; end that program, or remove the folder`,
          );
        }
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      }
      if (isStill(path, fd)) {
        return { control: mapControl(`${path}/${CONTROL}`), fd };
      }
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
  }
}

/** Gives up the shared lock and removes the folder if nobody else is inside. */
export function leaveFolder(path: string, fd: number): void {
  closeSync(fd);
  removeIfEmpty(path);
}

/** Removes the folders of this user in which nobody is any more. Returns how many it removed. */
export function sweepFolders(): number {
  const parent = base();
  let removed = 0;
  // A missing one is refused with advice by whoever wants to make a folder in it.
  if (!statSync(parent, { throwIfNoEntry: false })?.isDirectory()) return 0;
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${prefix()}.`) && !name.startsWith(`${prefix()}~`)) continue;
    if (removeIfEmpty(`${parent}/${name}`)) removed++;
  }
  return removed;
}

/** The error for a folder that was removed from under its programs. */
export function removedFolder(path: string): FolderError {
  return new FolderError(
    `namespace "${path}": can't be used any more, its folder was removed while programs were inside; systemd-logind does that at a user's ` +
      'last logout (RemoveIPC=yes), and so do cleaners of temporary files: run "loginctl enable-linger", or set LOCKSTEP_DIR to a folder ' +
      'on a tmpfs that nothing cleans, then restart all programs that share it',
  );
}

/** Where namespaces are. A relative path means what it meant at first, whatever the working directory becomes. */
function base(): string {
  const given = process.env.LOCKSTEP_DIR || DEFAULT_BASE;
  let resolved = bases.get(given);
  if (resolved === undefined) {
    resolved = resolve(given);
    bases.set(given, resolved);
  }
  return resolved;
}

function prefix(): string {
  return `lockstep-${process.geteuid?.() ?? 0}`;
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code === 'ENOSPC') throw noRoom(path, error);
    throw new FolderError(
      `namespace "${path}": can't be made, ${code === 'ENOENT' ? `the folder "${base()}" does not exist` : `${code}`}; ` +
        'mount a tmpfs at /dev/shm, or set LOCKSTEP_DIR to a folder on a tmpfs that you may write to',
      { cause: error },
    );
  }
}

/** Opens `control`, made if asked; `undefined`: the folder went away meanwhile, try again. */
function openControl(path: string, create: boolean): number | undefined {
  try {
    checkFolder(path);
    if (create) createControl(path);
    return openSync(`${path}/${CONTROL}`, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (create) return undefined;
    throw new StaleHandleError(
      `namespace "${path}": can't be entered, it does not exist any more; keep a program inside while handles to it are in use`,
      { cause: error },
    );
  }
}

/** Maps through a descriptor of its own: a mapping keeps its file open, and with it the kernel's lock. */
function mapControl(file: string): Segment {
  const fd = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    return mapSegment(fd, file, segmentBytes(0));
  } finally {
    closeSync(fd);
  }
}

function createControl(path: string): void {
  const file = `${path}/${CONTROL}`;
  if (statSync(file, { throwIfNoEntry: false }) === undefined) createSegmentFile(file, segmentBytes(0));
}

/** Throws `FolderError` unless the path is a folder of this user that nobody else may enter. */
function checkFolder(path: string): void {
  const stats = lstatSync(path);
  const uid = process.geteuid?.() ?? 0;
  const wrong = whatIsWrong(stats, uid);
  if (wrong !== undefined) {
    throw new FolderError(
      `namespace "${path}": refused, ${wrong}; it is not safe to share memory there, remove it or set LOCKSTEP_DIR to another folder`,
    );
  }
}

function whatIsWrong(stats: Stats, uid: number): string | undefined {
  if (stats.isSymbolicLink()) return 'it is a symbolic link';
  if (!stats.isDirectory()) return 'it is not a folder';
  if (stats.uid !== uid) return `it belongs to user ${stats.uid} and this program runs as ${uid}`;
  if ((stats.mode & OPEN_TO_OTHERS) !== 0)
    return `its permissions are ${(stats.mode & 0o777).toString(8)} and not 700`;
  return undefined;
}

function isStill(path: string, fd: number): boolean {
  const there = statSync(`${path}/${CONTROL}`, { throwIfNoEntry: false });
  return there !== undefined && there.ino === fstatSync(fd).ino;
}

function removeIfEmpty(path: string): boolean {
  let fd: number | undefined;
  try {
    const stats = lstatSync(path);
    if (whatIsWrong(stats, process.geteuid?.() ?? 0) !== undefined) return false;
    fd = openExisting(`${path}/${CONTROL}`);
    if (fd !== undefined && !(platform.tryLockFile(fd, 'exclusive') && isStill(path, fd))) return false;
    const trash = `${base()}/${prefix()}~${uniqueName()}`;
    renameSync(path, trash);
    rmSync(trash, { recursive: true, force: true });
    return true;
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new PlatformError(
      `namespace "${path}": can't be removed, ${(error as Error).message}; remove it by hand`,
      {
        cause: error,
      },
    );
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Opens `control`; `undefined` where there is no such file, so that nobody can hold its lock. */
function openExisting(file: string): number | undefined {
  try {
    return openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A link or a folder in its place is nobody's control file either.
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'EISDIR') return undefined;
    throw error;
  }
}
