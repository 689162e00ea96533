/**
 * Directory: an open folder. Its descriptor is checked once. From then on, all files in the folder
 * are reached through that descriptor.
 *
 * A path may lead elsewhere at the next call: a folder was removed, and a stranger made another of
 * that name. A descriptor stays with what was checked. `/proc/self/fd/<n>/<name>` is how `node:fs`
 * reaches a file relative to a descriptor. (Calling openat() instead would open descriptors that
 * Node knows nothing of, and does not close when a thread is terminated: its locks would stay.)
 *
 * Where /proc is missing or may not be read, files are reached by path. Then the directory checks
 * after each opening whether the path still leads to the folder that was checked.
 *
 * Files that are opened in a folder are checked, too: a file (or a FIFO, where one is wanted) of
 * this user or root that nobody else may open. A link is never followed, and a FIFO in place of a
 * file blocks no thread.
 */

import {
  closeSync,
  constants,
  linkSync,
  lutimesSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { wallTime } from '#clock';
import { FolderError, LockstepError } from '../errors.ts';
import { platform } from './current.ts';
import {
  codeOf,
  fileRefused,
  folderRefused,
  IN_ITS_PLACE,
  unusable,
  whyNotOpened,
} from './directory-errors.ts';
import { FILE_MODE, noDiskSpace } from './disk-space.ts';
import type { FileStats } from './file-stats.ts';
import { isSameFile, statsOfEntry, statsOfOpen, statsOfPath } from './file-stats.ts';
import type { FileKind } from './safety.ts';
import { effectiveUser, whatIsWrongWithFile, whatIsWrongWithFolder } from './safety.ts';

const CAREFUL = constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Error codes of the system for a path that is not a folder, or another user's. */
const REFUSALS: ReadonlySet<string> = new Set(['ELOOP', 'ENOTDIR', 'EACCES', 'EPERM']);

export class Directory {
  /** Where it was when it was opened. For messages and handles. */
  readonly path: string;
  readonly fd: number;
  /** The owner: the user of this program when it was opened. */
  readonly user: number;
  private way: string;
  private readonly byPath: boolean;

  private constructor(path: string, fd: number, user: number, way: string) {
    this.path = path;
    this.fd = fd;
    this.user = user;
    this.way = way;
    this.byPath = way === path;
  }

  /**
   * Opens the folder; `undefined` if there is none. Throws `FolderError` unless it is this user's
   * alone.
   */
  static open(path: string): Directory | undefined {
    const user = effectiveUser();
    return opened(path, path, undefined, (fd) => {
      return new Directory(path, fd, user, isReachable(fd) ? platform.throughDescriptor(fd) : path);
    });
  }

  /**
   * Whether this program runs as another user than when it opened the folder, and so may no longer
   * use it.
   */
  get isForeign(): boolean {
    return effectiveUser() !== this.user;
  }

  /** Whether the path leads to this folder now, and it is still this user's alone. */
  get isInPlace(): boolean {
    return (
      this.isAt(this.byPath ? this.way : this.path) &&
      whatIsWrongWithFolder(statsOfOpen(this.fd)) === undefined
    );
  }

  /** Whether the path leads to this folder now. */
  isAt(path: string): boolean {
    const there = this.attempt('', ['ENOENT'], () => statsOfEntry(path));
    return there !== undefined && isSameFile(there, statsOfOpen(this.fd));
  }

  /**
   * Gives it another path, which must be free. Returns `false`, with nothing changed, if it is no
   * longer at its path.
   */
  moveTo(path: string): boolean {
    renameSync(this.path, path);
    if (this.isAt(path)) {
      if (this.byPath) this.way = path;
      return true;
    }
    // Root had removed this folder, and a stranger has taken the name: leave that one alone.
    renameSync(path, this.path);
    return false;
  }

  /** Whether the open file is the one of that name now, and still this user's alone. */
  isStill(name: string, fd: number): boolean {
    const there = this.stat(name);
    const own = statsOfOpen(fd);
    return (
      there !== undefined &&
      isSameFile(there, own) &&
      whatIsWrongWithFile(own, 'file', this.user) === undefined
    );
  }

  /**
   * Throws `FolderError` where this program runs as another user than when it opened the folder.
   * `what`: the reason for a refusal.
   */
  checkUser(what: string): void {
    if (this.isForeign) throw new FolderError(`${what} is in "${this.path}", but ${this.userChanged()}`);
  }

  /** The name of a file in this folder, for messages. */
  nameOf(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Opens a file; `undefined` if there is none. */
  open(name: string, flags: number = constants.O_RDWR, kind: FileKind = 'file'): number | undefined {
    return this.attempt(name, ['ENOENT'], () => this.openChecked(name, flags, kind));
  }

  /** Opens a file for reading and writing, which is made if there is none. */
  openOrMake(name: string): number {
    return this.attempt(name, [], () =>
      this.openChecked(name, constants.O_RDWR | constants.O_CREAT, 'file'),
    )!;
  }

  /** Makes a file; `undefined` if there is one. */
  make(name: string): number | undefined {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
    return this.attempt(name, ['EEXIST'], () => this.openChecked(name, flags, 'file'));
  }

  /** Opens a FIFO, made if need be, for reading and writing: see `Platform.openFifo`. */
  openFifo(name: string): number {
    return this.attempt(name, [], () => {
      platform.makeFifo(this.at(name));
      // Check before opening, because libuv closes what is opened here.
      this.check(name, statsOfEntry(this.at(name)), 'FIFO');
      const fd = platform.openFifo(this.at(name));
      this.check(name, statsOfOpen(fd), 'FIFO');
      return fd;
    })!;
  }

  /** Opens a FIFO to write; `undefined` if there is none, or nobody reads from it. */
  openFifoToWrite(name: string): number | undefined {
    return this.attempt(name, ['ENOENT', 'ENXIO'], () => this.openChecked(name, constants.O_WRONLY, 'FIFO'));
  }

  /** Opens a FIFO, made if need be, by node:fs, which closes it at the end of a thread. */
  openOwnFifo(name: string, access: number): number {
    return this.attempt(name, [], () => {
      platform.makeFifo(this.at(name));
      return this.openChecked(name, access, 'FIFO');
    })!;
  }

  /** Opens a FIFO to read from it, without waiting for a writer; `undefined` if there is none. */
  openFifoToRead(name: string): number | undefined {
    return this.attempt(name, ['ENOENT'], () => this.openChecked(name, constants.O_RDONLY, 'FIFO'));
  }

  /**
   * Opens a FIFO for reading, for libuv as `openFifo` does. `undefined` if there is none, or if no
   * descriptor is free.
   */
  watchFifo(name: string): number | undefined {
    return platform.watchFifo(this.at(name));
  }

  /** A path to a file that leads to this very folder, while it is open. */
  pathTo(name: string): string {
    return this.at(name);
  }

  /** Makes a file look as if it was just used. */
  touch(name: string): void {
    const seconds = wallTime() / 1000;
    this.attempt(name, ['ENOENT'], () => lutimesSync(this.at(name), seconds, seconds));
  }

  /** The file's content; `undefined` if there is none. */
  read(name: string): Buffer | undefined {
    const fd = this.open(name, constants.O_RDONLY);
    if (fd === undefined) return undefined;
    try {
      return this.attempt(name, [], () => readFileSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  /** Writes a new file; returns `false` if there is one. Where it fails, nothing is left. */
  writeNew(name: string, content: string | Uint8Array): boolean {
    const fd = this.make(name);
    if (fd === undefined) return false;
    try {
      this.attempt(name, [], () => writeFileSync(fd, content));
    } catch (error) {
      this.remove(name);
      throw error;
    } finally {
      closeSync(fd);
    }
    return true;
  }

  /** Writes a new file, in place of any old one. */
  write(name: string, content: string | Uint8Array): void {
    do this.remove(name);
    while (!this.writeNew(name, content));
  }

  /** The file of that name; a link is not followed. */
  stat(name: string): FileStats | undefined {
    return this.attempt(name, ['ENOENT'], () => statsOfEntry(this.at(name)));
  }

  /** Gives a file another name, in place of whatever has it. */
  rename(from: string, to: string): void {
    this.attempt(to, [], () => {
      this.checkPlace();
      renameSync(this.at(from), this.at(to));
    });
  }

  /** Gives a file one name more; returns `false` if that is taken. */
  link(from: string, to: string): boolean {
    return this.attempt(to, ['EEXIST'], () => linkSync(this.at(from), this.at(to)) ?? true) ?? false;
  }

  /** Removes a file, if it is there. */
  remove(name: string): void {
    this.attempt(name, ['ENOENT'], () => {
      this.checkPlace();
      unlinkSync(this.at(name));
    });
  }

  /** Names of all that begin with `prefix`. */
  list(prefix = ''): string[] {
    const names = this.attempt('', ['ENOENT'], () => readdirSync(this.way)) ?? [];
    return prefix === '' ? names : names.filter((name) => name.startsWith(prefix));
  }

  /** Removes all that is in it: entries of this very folder, and of no other. */
  empty(): void {
    for (const name of this.list()) {
      if (this.stat(name)?.type === 'folder') this.removeFolder(name);
      else this.remove(name);
    }
  }

  close(): void {
    closeSync(this.fd);
  }

  private removeFolder(name: string): void {
    const path = this.nameOf(name);
    // Whatever its permissions: any user of them had to come through this folder.
    const inner = opened(this.at(name), path, 0, (fd) => {
      return new Directory(path, fd, this.user, this.byPath ? path : platform.throughDescriptor(fd));
    });
    try {
      inner?.empty();
    } finally {
      inner?.close();
    }
    this.attempt(name, ['ENOENT'], () => rmdirSync(this.at(name)));
  }

  private at(name: string): string {
    return `${this.way}/${name}`;
  }

  private openChecked(name: string, flags: number, kind: FileKind): number {
    const fd = openSync(this.at(name), flags | CAREFUL, FILE_MODE);
    try {
      this.check(name, statsOfOpen(fd), kind);
      this.checkPlace();
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Where files are reached by path: throws `FolderError` if that leads elsewhere now. */
  private checkPlace(): void {
    if (!this.byPath || this.isInPlace) return;
    throw new FolderError(
      `namespace "${this.path}": refused, its folder was removed or replaced; end the programs that use it, and look who did that`,
    );
  }

  private check(name: string, stats: FileStats, kind: FileKind): void {
    const wrong = whatIsWrongWithFile(stats, kind, this.user);
    if (wrong !== undefined) throw fileRefused(this.nameOf(name), wrong);
  }

  /**
   * Runs a call of the system for the file. Returns `undefined` if it fails with one of the
   * `expected` codes; throws an error of Lockstep's for another code.
   */
  private attempt<Result>(name: string, expected: readonly string[], call: () => Result): Result | undefined {
    try {
      return call();
    } catch (error) {
      const code = codeOf(error);
      if (expected.includes(code)) return undefined;
      throw this.failure(name, error, code);
    }
  }

  private failure(name: string, cause: unknown, code: string): LockstepError {
    if (cause instanceof FolderError) return cause;
    const path = name === '' ? this.path : this.nameOf(name);
    if (code === 'ENOSPC' || code === 'EDQUOT') return noDiskSpace(path, cause);
    if (this.isForeign)
      return new FolderError(`shared memory "${path}": can't be reached, ${this.userChanged()}`, { cause });
    const inPlace = IN_ITS_PLACE[code];
    if (inPlace !== undefined) return fileRefused(this.nameOf(name), inPlace, cause);
    if (code === 'ENOENT') {
      return new FolderError(
        `shared memory "${path}": can't be made, its folder was removed while it was in use; keep cleaners away from it, ` +
          'and start the programs that use it again',
        { cause },
      );
    }
    if (cause instanceof LockstepError) return cause;
    return unusable(`shared memory "${path}"`, cause, code);
  }

  private userChanged(): string {
    return (
      `that belongs to user ${this.user} and this program has changed its user to ${effectiveUser()} since; ` +
      'make shared objects after the change, and use those'
    );
  }
}

/**
 * Opens the folder at `way`, which is called `path`, if it is there, this user's, and has none of
 * the permissions `refused`.
 */
function opened(
  way: string,
  path: string,
  refused: number | undefined,
  make: (fd: number) => Directory,
): Directory | undefined {
  let fd: number;
  try {
    fd = openSync(way, FOLDER);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT') return undefined;
    if (!REFUSALS.has(code)) throw unusable(`namespace "${path}"`, cause, code);
    throw folderRefused(path, whyNotOpened(way, code), cause);
  }
  const wrong = whatIsWrongWithFolder(statsOfOpen(fd), refused);
  if (wrong === undefined) return make(fd);
  closeSync(fd);
  throw folderRefused(path, wrong);
}

/** Node 22 and later have it where the permission model is on; the types of Node 20 don't. */
interface Permissions {
  has(scope: string, reference: string): boolean;
}

/** Whether the descriptor's path leads to the open folder, also to write. */
function isReachable(fd: number): boolean {
  const permission = Reflect.get(process, 'permission') as Permissions | undefined;
  const way = platform.throughDescriptor(fd);
  if (permission?.has('fs.write', `${way}/control`) === false) return false;
  try {
    return isSameFile(statsOfPath(way), statsOfOpen(fd));
  } catch {
    // Missing, hidden, or not allowed: then it is not used.
    return false;
  }
}
