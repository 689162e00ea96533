/** Segment: one mapped file of a namespace, checked before a word of it is believed. */

import { closeSync, fstatSync, linkSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { LayoutError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import { noteMapping } from '../platform/mapping-log.ts';
import { FILE_MODE, withRoom } from '../platform/room.ts';
import { uniqueName } from '../platform/unique.ts';
import type { Words } from './atomics.ts';
import { LAYOUT_VERSION, MAGIC, MAGIC_WORD, VERSION_WORD } from './layout.ts';

export interface Segment {
  readonly words: Words;
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/**
 * Creates the file with its blocks reserved, or leaves the one that is there: it appears under its name whole or not
 * at all. Throws `NoSpaceError`, and `ENOENT` if the folder is gone.
 */
export function createSegmentFile(path: string, bytes: number): void {
  const temporary = `${path}.${uniqueName()}`;
  const fd = withRoom(path, () => openSync(temporary, 'wx', FILE_MODE));
  try {
    platform.reserve(fd, bytes, path);
    const header = new Int32Array([MAGIC, LAYOUT_VERSION]);
    writeSync(fd, new Uint8Array(header.buffer), 0, 8, 0);
    try {
      withRoom(path, () => linkSync(temporary, path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  } finally {
    closeSync(fd);
    removeIfThere(temporary);
  }
}

/** Throws `LayoutError` unless the open file is a segment of this layout and at least `bytes` long. */
export function checkSegmentFile(fd: number, path: string, bytes: number): void {
  const header = new Int32Array(2);
  const read = readSync(fd, new Uint8Array(header.buffer), 0, 8, 0);
  if (read < 8 || header[MAGIC_WORD] !== MAGIC) {
    throw new LayoutError(
      `segment "${path}": refused, it does not begin with Lockstep's magic number; remove its folder if nothing else uses it`,
    );
  }
  if (header[VERSION_WORD] !== LAYOUT_VERSION) {
    throw new LayoutError(
      `segment "${path}": refused, its layout version is ${header[VERSION_WORD]} and this Lockstep reads ${LAYOUT_VERSION}; ` +
        'run all programs that share a namespace with one version, or end those that use it',
    );
  }
  const { size } = fstatSync(fd);
  if (size < bytes) {
    throw new LayoutError(
      `segment "${path}": refused, it has ${size} bytes where its layout needs ${bytes}; it was cut, remove its folder`,
    );
  }
}

/** Maps the open file. The descriptor may be closed afterwards. */
export function mapSegment(fd: number, path: string, bytes: number): Segment {
  checkSegmentFile(fd, path, bytes);
  const mapping = platform.map(fd, bytes);
  noteMapping(mapping);
  const { buffer, address } = mapping;
  return { words: new Int32Array(buffer), buffer, address };
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
