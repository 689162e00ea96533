/**
 * Data: the memory of an object that needs more than a cell: a file of its own in the namespace's folder, mapped by everyone who has the
 * object open.
 *
 *   data-<cell>-<generation>   as many bytes as the object asked for, rounded up to whole pages by the system; zero at first
 *
 * The file is made with the object and removed when its cell is freed (arena.ts). The memory is given back when nothing in this thread
 * can reach it any more: what has a view of it keeps it, also after the object was closed.
 */

import { constants } from 'node:buffer';
import {
  closeSync,
  existsSync,
  constants as flags,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import * as threads from 'node:worker_threads';
import { LayoutError, OutOfRangeError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import { forgetMapping, noteMapping } from '../platform/mapping-log.ts';
import type { Mapping } from '../platform/platform.ts';
import { FILE_MODE, noRoom, withRoom } from '../platform/room.ts';

const unreachable = new FinalizationRegistry<{ address: number; size: number }>(({ address, size }) => {
  forgetMapping(address);
  try {
    platform.unmap(address, size);
  } catch (error) {
    // Nobody could catch it here; the memory stays mapped.
    process.emitWarning(error as Error);
  }
});

/** Path of the file that belongs to the object of that generation in the cell. */
export function dataPath(folder: string, cell: number, generation: number): string {
  return `${folder}/data-${cell}-${generation}`;
}

/** Path of a file for one item of the object. */
export function itemPath(folder: string, cell: number, generation: number, item: number): string {
  return `${folder}/item-${cell}-${generation}-${item}`;
}

/** How data begin. */
export interface DataOptions {
  /** Bytes that are backed by memory at once; all by default. The others may not be touched before `reserveDataFile`. */
  readonly reserve?: number;
  /** What is written at the beginning. */
  readonly content?: Uint8Array | undefined;
}

/** Makes the file. Throws `NoSpaceError`, or `OutOfRangeError` for more than this Node can map at once. */
export function makeDataFile(
  path: string,
  bytes: number,
  { reserve = bytes, content }: DataOptions = {},
): void {
  if (bytes > constants.MAX_LENGTH) {
    const { bavail, bsize } = statfsSync(dirname(path));
    if (bytes > bavail * bsize) throw noRoom(path);
    throw new OutOfRangeError(
      `shared memory "${path}": refused, ${bytes} bytes are more than this Node can map at once; ` +
        `use at most ${constants.MAX_LENGTH}, or a later Node`,
    );
  }
  const fd = withRoom(path, () => openSync(path, 'wx', FILE_MODE));
  try {
    ftruncateSync(fd, bytes);
    platform.reserve(fd, reserve, path);
    // The kernel takes at most some 2 GB at once.
    for (let at = 0; content !== undefined && at < content.length; )
      at += writeSync(fd, content, at, content.length - at, at);
  } finally {
    closeSync(fd);
  }
}

/** Backs the first `bytes` of the file by memory. Throws `NoSpaceError`. */
export function reserveDataFile(path: string, bytes: number): void {
  const fd = openSync(path, 'r+');
  try {
    platform.reserve(fd, bytes, path);
  } finally {
    closeSync(fd);
  }
}

/**
 * Maps the file, or its first `bytes`. Throws `LayoutError` if it is missing, or shorter than `least`.
 */
export function mapDataFile(path: string, least: number, bytes?: number): Mapping {
  if (!(least > 0 && least <= constants.MAX_LENGTH)) {
    throw new LayoutError(
      `shared memory "${path}": refused, its object says that it has ${least} bytes, and this Node can map 1 to ${constants.MAX_LENGTH}; ` +
        'its cell was damaged, make the object anew',
    );
  }
  const fd = openData(path);
  try {
    const { size } = fstatSync(fd);
    if (size < least) {
      throw new LayoutError(
        `shared memory "${path}": refused, it has ${size} bytes where its object needs ${least}; it was cut, make the object anew`,
      );
    }
    const mapping = platform.map(fd, bytes ?? size);
    noteMapping(mapping);
    // In another thread's hands the memory would be given back when this thread has let go of it.
    refuseTransfer(mapping.buffer);
    unreachable.register(mapping.buffer, { address: mapping.address, size: mapping.buffer.byteLength });
    return mapping;
  } finally {
    closeSync(fd);
  }
}

/** Node 22 and later mark such memory themselves; where it is marked once more, Node 24 and later abort when they exit. */
function refuseTransfer(buffer: ArrayBuffer): void {
  const isMarked: unknown = Reflect.get(threads, 'isMarkedAsUntransferable');
  if (typeof isMarked === 'function' && isMarked(buffer) === true) return;
  threads.markAsUntransferable(buffer);
}

function openData(path: string): number {
  try {
    return openSync(path, flags.O_RDWR | flags.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ELOOP' && code !== 'EISDIR') throw error;
    throw new LayoutError(
      `shared memory "${path}": can't be opened, ${code}; somebody removed or replaced it, make the object anew`,
      { cause: error },
    );
  }
}

/** Removes the data of the object of that generation in the cell, and its items, if they are there. */
export function removeData(folder: string, cell: number, generation: number): void {
  for (const item of itemsOf(folder, cell, generation)) removeFile(itemPath(folder, cell, generation, item));
  removeFile(dataPath(folder, cell, generation));
}

/** Numbers of the object's items that have a file. */
export function itemsOf(folder: string, cell: number, generation: number): number[] {
  const beginning = itemPath(folder, cell, generation, 0).slice(folder.length + 1, -1);
  const files = existsSync(folder) ? readdirSync(folder) : [];
  return files
    .filter((file) => file.startsWith(beginning))
    .map((file) => Number(file.slice(beginning.length)));
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
