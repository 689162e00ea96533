/**
 * Data: the memory of an object that needs more than a cell: a file of its own in the namespace's
 * folder, mapped by every agent that has the object open.
 *
 *   data-<cell>-<generation>   as many bytes as the object asked for, rounded up to whole pages by
 *                              the system; zero at first
 *   item-<cell>-<generation>-<n>   a file for one item of the object
 *
 * The file is made with the object and removed when its cell is freed (arena.ts). Its pages are
 * freed when no process has them mapped. So closing the object lets go of the file at once
 * (`detachData`). Zeros of the process's own take its place at the same addresses, or a copy of the
 * data where a view was given out. The addresses are given back when no object of this thread can
 * reach them.
 */

import { constants } from 'node:buffer';
import {
  closeSync,
  constants as flags,
  fstatSync,
  ftruncateSync,
  readFileSync,
  readSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { LayoutError, OutOfRangeError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import type { Directory } from '../platform/directory.ts';
import { noDiskSpace, withDiskSpace } from '../platform/disk-space.ts';
import { forgetMapping, noteMapping } from '../platform/mapping-log.ts';
import type { Mapping } from '../platform/platform.ts';
import { dataFile } from './paths.ts';

const unreachable = new FinalizationRegistry<{ address: number; size: number }>(({ address, size }) => {
  forgetMapping(address);
  try {
    platform.unmap(address, size);
  } catch (error) {
    // Nobody could catch the error here; the memory stays mapped.
    process.emitWarning(error as Error);
  }
});

/** Where the mappings of this thread are. */
const places = new WeakMap<ArrayBuffer, { address: number; size: number }>();
/** Bytes that are copied at a time. A multiple of all sizes that a page can have. */
const COPIED_AT_ONCE: number = 1024 * 1024;

/** Name of a file for one item of the object. */
export function itemFile(cell: number, generation: number, item: number | ''): string {
  return `item-${cell}-${generation}-${item}`;
}

/** How data begin. */
export interface DataOptions {
  /**
   * Bytes that are backed by memory at once; all by default. The others may not be touched before
   * `reserveDataFile`.
   */
  readonly reserve?: number;
  /** The data that are written at the beginning. */
  readonly content?: Uint8Array | undefined;
}

/**
 * Makes the file. Throws `NoSpaceError`, or `OutOfRangeError` for more than this Node can map at
 * once.
 */
export function makeDataFile(
  directory: Directory,
  name: string,
  bytes: number,
  { reserve = bytes, content }: DataOptions = {},
): void {
  const path = directory.nameOf(name);
  if (bytes > constants.MAX_LENGTH) {
    const { bavail, bsize } = statfsSync(directory.path);
    if (bytes > bavail * bsize) throw noDiskSpace(path, undefined, { bytes, at: directory.path });
    throw new OutOfRangeError(
      `shared memory "${path}": refused, ${bytes} bytes are more than this Node can map at once; ` +
        `use at most ${constants.MAX_LENGTH}, or a later Node`,
    );
  }
  const fd = directory.make(name);
  if (fd === undefined) throw misplaced(path, 'there is such a file already');
  try {
    withDiskSpace(path, () => ftruncateSync(fd, bytes));
    platform.reserve(fd, reserve, path);
    // The kernel takes at most some 2 GB at once.
    for (let at = 0; content !== undefined && at < content.length; )
      at += withDiskSpace(path, () => writeSync(fd, content, at, content.length - at, at));
  } finally {
    closeSync(fd);
  }
}

/** Backs the first `bytes` of the file by memory. Throws `NoSpaceError`. */
export function reserveDataFile(directory: Directory, name: string, bytes: number): void {
  const fd = openData(directory, name);
  try {
    platform.reserve(fd, bytes, directory.nameOf(name));
  } finally {
    closeSync(fd);
  }
}

/**
 * Maps the file, or its first `bytes`. Throws `LayoutError` if it is missing, or shorter than
 * `least`.
 */
export function mapDataFile(directory: Directory, name: string, least: number, bytes?: number): Mapping {
  const path = directory.nameOf(name);
  if (!(least > 0 && least <= constants.MAX_LENGTH)) {
    throw new LayoutError(
      `shared memory "${path}": refused, its object says that it has ${least} bytes, and this Node can map 1 to ${constants.MAX_LENGTH}; ` +
        'its cell was damaged, make the object again',
    );
  }
  const fd = openData(directory, name);
  try {
    const { size } = fstatSync(fd);
    if (size < least) {
      throw new LayoutError(
        `shared memory "${path}": refused, it has ${size} bytes where its object needs ${least}; it was cut, make the object again`,
      );
    }
    const mapping = platform.map(fd, bytes ?? size);
    noteMapping(mapping);
    // In another thread's hands the memory would be given back when this thread has let go of it.
    refuseTransfer(mapping.buffer);
    const place = { address: mapping.address, size: mapping.buffer.byteLength };
    places.set(mapping.buffer, place);
    unreachable.register(mapping.buffer, place);
    return mapping;
  } finally {
    closeSync(fd);
  }
}

/**
 * Lets go of the mapped file. The memory stays valid, as the thread's own: with what is in it where
 * `keepContent` is set, else zero. If the system refuses that, the file goes with the memory, once
 * that is unreachable.
 */
export function detachData(buffer: ArrayBuffer, keepContent: boolean): void {
  const place = places.get(buffer);
  if (place === undefined) return;
  places.delete(buffer);
  const { address, size } = place;
  // Put zero pages in place of the file.
  if (!keepContent) {
    platform.detach(address, size);
    return;
  }
  const memory = platform.openOwnMemory();
  if (memory === undefined) return;
  try {
    // Keep the content: copy it aside, replace the pages, copy it back.
    const copy = Buffer.alloc(Math.min(COPIED_AT_ONCE, size));
    const zeros = Buffer.alloc(copy.length);
    for (let at = 0; at < size; at += copy.length) {
      const length = Math.min(copy.length, size - at);
      const read = readMemory(memory, copy, length, address + at);
      const isZero = copy.compare(zeros, 0, read, 0, read) === 0;
      if (!platform.detach(address + at, length)) return;
      if (!isZero) Buffer.from(buffer, at, read).set(copy.subarray(0, read));
    }
  } finally {
    closeSync(memory);
  }
}

/** Returns how many bytes could be read; those behind are lost with the end of the file. */
function readMemory(memory: number, into: Buffer, length: number, address: number): number {
  let read = 0;
  while (read < length) {
    try {
      const more = readSync(memory, into, read, length - read, address + read);
      if (more === 0) break;
      read += more;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
      break;
    }
  }
  return read;
}

/**
 * Node 22 and later mark such memory themselves; where it is marked once more, Node 24 and later
 * abort when they exit.
 */
function refuseTransfer(buffer: ArrayBuffer): void {
  const threads = process.getBuiltinModule('node:worker_threads');
  const isMarked: unknown = Reflect.get(threads, 'isMarkedAsUntransferable');
  if (typeof isMarked === 'function' && isMarked(buffer) === true) return;
  threads.markAsUntransferable(buffer);
}

function openData(directory: Directory, name: string): number {
  const path = directory.nameOf(name);
  // Only for the error: the opening looks at what it has opened.
  const there = directory.stat(name);
  if (there !== undefined && there.type !== 'file') throw misplaced(path, 'it is no longer a file');
  const fd = directory.open(name);
  if (fd === undefined) throw misplaced(path, 'the file no longer exists');
  return fd;
}

function misplaced(path: string, why: string): LayoutError {
  return new LayoutError(
    `shared memory "${path}": can't be opened, ${why}; another program or a cleaner removed or replaced it: make the object again`,
  );
}

/**
 * Replaces the file by one with that content: an agent that opens it finds the whole of the old or
 * the new file.
 */
export function replaceFile(directory: Directory, name: string, temporary: string, content: string): void {
  directory.write(temporary, content);
  directory.rename(temporary, name);
}

/**
 * The text of a small file; `undefined` if there is none. Throws `LayoutError` where it has more
 * than `most` bytes.
 */
export function readSmallFile(directory: Directory, name: string, most: number): string | undefined {
  const fd = directory.open(name, flags.O_RDONLY);
  if (fd === undefined) return undefined;
  try {
    const { size } = fstatSync(fd);
    if (size > most) {
      throw new LayoutError(
        `shared memory "${directory.nameOf(name)}": refused, it has ${size} bytes and may have ${most}; another program replaced it: make its object again`,
      );
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/**
 * Removes the data of the object of that generation in the cell, and its items, if they are there.
 */
export function removeData(directory: Directory, cell: number, generation: number): void {
  // If the program has changed its user, they stay until the folder is removed: no other object has
  // these names.
  if (directory.isForeign) return;
  for (const item of itemsThere(directory, cell, generation))
    directory.remove(itemFile(cell, generation, item));
  directory.remove(dataFile(cell, generation));
}

/** As `itemsOf`. Without a descriptor to list them, they stay until the folder is removed. */
function itemsThere(directory: Directory, cell: number, generation: number): number[] {
  try {
    return itemsOf(directory, cell, generation);
  } catch (error) {
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    if (code === 'EMFILE' || code === 'ENFILE') return [];
    throw error;
  }
}

/** Numbers of the object's items that have a file. */
export function itemsOf(directory: Directory, cell: number, generation: number): number[] {
  const beginning = itemFile(cell, generation, '');
  return directory.list(beginning).map((file) => Number(file.slice(beginning.length)));
}
