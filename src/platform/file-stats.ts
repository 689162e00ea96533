/**
 * File stats: stat, lstat and fstat, asked for in a way that leaves Node's module loader alone.
 *
 * `fs.realpathSync` of Node 20 and 22 looks at the type that the last call of `fs.*statSync` has
 * left in a shared array. Where that was a FIFO's or a socket's, it stops early. Then, when the
 * loader reaches a package through a symbolic link (of pnpm, or `npm link`), it loads a second
 * instance of the package, with separate state. Answers in bigints lie in an array that
 * `realpathSync` does not read. (https://github.com/nodejs/node/issues/51142)
 *
 * Library code that may meet a FIFO or a socket calls these.
 */

// Functions are looked up at each call: a program may replace them after Lockstep was loaded, as a
// test that plays a stranger does.
import type { BigIntStats } from 'node:fs';
import fs from 'node:fs';

/** The facts about a file that the library asks for. */
export interface FileStats {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly uid: number;
  readonly mode: number;
  readonly size: number;
  readonly type: 'file' | 'folder' | 'FIFO' | 'link' | 'socket' | 'other';
}

/** Stats of the file that the path leads to. */
export function statsOfPath(path: string): FileStats {
  return factsOf(fs.statSync(path, { bigint: true }));
}

/** Stats of the file at the path; a link is not followed. */
export function statsOfEntry(path: string): FileStats {
  return factsOf(fs.lstatSync(path, { bigint: true }));
}

/** Stats of an open file. */
export function statsOfOpen(fd: number): FileStats {
  return factsOf(fs.fstatSync(fd, { bigint: true }));
}

export function isSameFile(one: FileStats, other: FileStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function factsOf(stats: BigIntStats): FileStats {
  const { dev, ino, uid, mode, size } = stats;
  return { dev, ino, uid: Number(uid), mode: Number(mode), size: Number(size), type: typeOf(stats) };
}

function typeOf(stats: BigIntStats): FileStats['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSymbolicLink()) return 'link';
  return stats.isSocket() ? 'socket' : 'other';
}
