/**
 * Data: the memory of an object that needs more than a cell: a file of its own in the namespace's folder, mapped by everyone who has the
 * object open.
 *
 *   data-<cell>-<generation>   as many bytes as the object asked for, rounded up to whole pages by the system; zero at first
 *
 * The file is made with the object and removed when its cell is freed (arena.ts). The memory is given back when nothing in this thread
 * can reach it any more: what has a view of it keeps it, also after the object was closed.
 */

import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { LayoutError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import { forgetMapping, noteMapping } from '../platform/mapping-log.ts';
import type { Mapping } from '../platform/platform.ts';
import { withRoom } from '../platform/room.ts';

const unreachable = new FinalizationRegistry<{ address: number; size: number }>(({ address, size }) => {
  forgetMapping(address);
  platform.unmap(address, size);
});

/** Path of the file that belongs to the object of that generation in the cell. */
export function dataPath(folder: string, cell: number, generation: number): string {
  return `${folder}/data-${cell}-${generation}`;
}

/** Makes the file, its memory reserved. Throws `NoSpaceError`. */
export function makeDataFile(path: string, bytes: number): void {
  const fd = withRoom(path, () => openSync(path, 'wx', 0o600));
  try {
    platform.reserve(fd, bytes, path);
  } finally {
    closeSync(fd);
  }
}

/** Maps the file. Throws `LayoutError` if it is shorter than `bytes`. */
export function mapDataFile(path: string, bytes: number): Mapping {
  const fd = openSync(path, 'r+');
  try {
    const { size } = fstatSync(fd);
    if (size < bytes) {
      throw new LayoutError(
        `shared memory "${path}": refused, it has ${size} bytes where its object needs ${bytes}; it was cut, make the object anew`,
      );
    }
    const mapping = platform.map(fd, bytes);
    noteMapping(mapping);
    unreachable.register(mapping.buffer, { address: mapping.address, size: bytes });
    return mapping;
  } finally {
    closeSync(fd);
  }
}

/** Removes the file, if it is there. */
export function removeDataFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
