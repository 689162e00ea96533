/**
 * Job file: the raw content of the file through which a parent and a child process hand over the
 * job and its outcome. Its meaning is in process-files.ts.
 *
 *   byte  0  MAGIC
 *         4  progress   one of `PROGRESS`
 *         8  length     bytes of what follows
 *        16  the content
 *
 * The header is written in one piece, after the data that it describes.
 */

import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';

const MAGIC = 0x314a534c;
const HEADER_BYTES = 16;

/** How far a child has come. The order counts. */
export const PROGRESS = {
  /** A spare could not load its modules. Content: the error. */
  REFUSED: -3,
  /** A spare has loaded everything, and waits for its job. */
  PARKED: -2,
  /** Written by the parent of a spare. Content: the modules that the spare loads first. */
  PREPARING: -1,
  /** Written by the parent. Content: the job, until the child has opened the objects in it. */
  WRITTEN: 0,
  BEGUN: 1,
  OPENED: 2,
  /** Content, from here on: the outcome. */
  GIVING: 3,
  DONE: 4,
} as const;

/** Writes the content, then the header. */
export function writePart(fd: number, progress: number, bytes: Uint8Array): void {
  // The kernel takes at most some 2 GB at once.
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, HEADER_BYTES + at);
  }
  writeHeader(fd, progress, bytes.length);
}

export function writeHeader(fd: number, progress: number, length: number): void {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setInt32(0, MAGIC, true);
  header.setInt32(4, progress, true);
  header.setFloat64(8, length, true);
  writeSync(fd, header, 0, HEADER_BYTES, 0);
}

export function readHeader(fd: number): { progress: number; length: number } {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  if (readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES || header.getInt32(0, true) !== MAGIC) {
    throw new Error('it does not begin as a job does');
  }
  return { progress: header.getInt32(4, true), length: header.getFloat64(8, true) };
}

export function readPart(fd: number): { progress: number; content: Uint8Array } {
  const { progress, length } = readHeader(fd);
  // Never trust the length: the file may be cut.
  if (!(length >= 0 && HEADER_BYTES + length <= fstatSync(fd).size)) throw new Error('it was cut');
  const content = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const read = readSync(fd, content, at, length - at, HEADER_BYTES + at);
    if (read === 0) throw new Error('it was cut');
    at += read;
  }
  return { progress, content };
}

/** Whether nothing was written yet. */
export function isBlank(fd: number): boolean {
  return fstatSync(fd).size === 0;
}

/**
 * Whether a header was written. Its writer may be between the content and the header, or have died
 * there.
 */
export function hasHeader(fd: number): boolean {
  const first = new Int32Array(1);
  return readSync(fd, first, 0, first.byteLength, 0) === first.byteLength && first[0] !== 0;
}

/** Takes the content away. */
export function dropContent(fd: number): void {
  ftruncateSync(fd, HEADER_BYTES);
}

/** Throws unless the descriptor is a file of this user or root that nobody else may open. */
export function checkOwn(fd: number): void {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Error('it is not a file');
  if (stats.uid !== process.geteuid?.() && stats.uid !== 0)
    throw new Error(`it belongs to user ${stats.uid}`);
  if ((stats.mode & 0o077) !== 0) throw new Error(`its permissions are ${(stats.mode & 0o777).toString(8)}`);
}
