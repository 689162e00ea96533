/** Segment: one mapped file of a namespace, checked before any word of it is used. */

import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import { LayoutError } from '../errors.ts';
import { platform } from '../platform/current.ts';
import type { Directory } from '../platform/directory.ts';
import { withDiskSpace } from '../platform/disk-space.ts';
import { noteMapping } from '../platform/mapping-log.ts';
import { uniqueName } from '../platform/unique.ts';
import type { Words } from './atomics.ts';
import { LAYOUT_VERSION, MAGIC, MAGIC_WORD, VERSION_WORD } from './layout.ts';

export interface Segment {
  readonly words: Words;
  readonly buffer: ArrayBuffer;
  readonly address: number;
}

/**
 * Creates the file with its blocks reserved, or keeps the existing one. The file appears under its
 * name whole or not at all. Throws `NoSpaceError`, and `FolderError` if the folder is gone.
 */
export function createSegmentFile(directory: Directory, name: string, bytes: number): void {
  let temporary: string;
  let fd: number | undefined;
  do {
    temporary = `${name}.${uniqueName()}`;
    fd = directory.make(temporary);
  } while (fd === undefined);
  try {
    platform.reserve(fd, bytes, directory.nameOf(name));
    const header = new Int32Array([MAGIC, LAYOUT_VERSION]);
    withDiskSpace(directory.nameOf(name), () => writeSync(fd, new Uint8Array(header.buffer), 0, 8, 0));
    directory.link(temporary, name);
  } finally {
    closeSync(fd);
    directory.remove(temporary);
  }
}

/**
 * Throws `LayoutError` unless the open file is a segment of this layout and at least `bytes` long.
 */
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
