/**
 * Job file: the raw content of the file through which a parent and a child process hand over the
 * job and its outcome. Its meaning is in process-files.ts.
 *
 *   byte  0  MAGIC
 *         4  progress   one of `PROGRESS`
 *         8  length     bytes of what follows
 *        16  length     bytes of the text that follows
 *        20  text       JSON that names the child, for observers outside; written by the parent
 *                       before the job, and never changed
 *       512  the content
 *
 * The header, of the first 16 bytes, is written in one piece, after the data that it describes.
 */

import { fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';

const MAGIC = 0x324a534c;
const HEADER_BYTES = 16;
/** Where the text begins, with its length, and how many bytes there are for both. */
export const ABOUT_FROM: number = HEADER_BYTES;
export const ABOUT_BYTES = 496;
const CONTENT_FROM: number = ABOUT_FROM + ABOUT_BYTES;
/** Characters of a child's name. */
const MOST_NAME = 60;

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
    at += writeSync(fd, bytes, at, bytes.length - at, CONTENT_FROM + at);
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
  if (!(length >= 0 && CONTENT_FROM + length <= fstatSync(fd).size)) throw new Error('it was cut');
  const content = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const read = readSync(fd, content, at, length - at, CONTENT_FROM + at);
    if (read === 0) throw new Error('it was cut');
    at += read;
  }
  return { progress, content };
}

/** The facts on a child that its job's file begins with. */
export interface JobFacts {
  readonly progress: number;
  readonly name: string;
  /** Path of the module of its target, and the export; empty where not known. */
  readonly script: string;
  readonly target: string;
}

/** Writes who the child is. `about`: its description as JSON (agents/about.ts). */
export function writeAbout(fd: number, name: string, about: string): void {
  const text = Buffer.from(JSON.stringify({ name: name.slice(0, MOST_NAME), about }));
  if (text.length > ABOUT_BYTES - 4) return;
  const bytes = Buffer.alloc(4 + text.length);
  bytes.writeUInt32LE(text.length);
  text.copy(bytes, 4);
  writeSync(fd, bytes, 0, bytes.length, ABOUT_FROM);
}

/** Reads the first bytes of a file, damaged or not. Returns `undefined` if no job lies there. */
export function factsOfJob(bytes: Buffer): JobFacts | undefined {
  if (bytes.length < ABOUT_FROM + 4 || bytes.readInt32LE(0) !== MAGIC) return undefined;
  const progress = bytes.readInt32LE(4);
  const length = Math.min(bytes.readUInt32LE(ABOUT_FROM), ABOUT_BYTES - 4);
  const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
  try {
    const { name, about } = JSON.parse(bytes.toString('utf8', ABOUT_FROM + 4, ABOUT_FROM + 4 + length)) as {
      name?: unknown;
      about?: unknown;
    };
    const { script, target } = JSON.parse(textOf(about)) as { script?: unknown; target?: unknown };
    return { progress, name: textOf(name), script: textOf(script), target: textOf(target) };
  } catch {
    return { progress, name: '', script: '', target: '' };
  }
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
  ftruncateSync(fd, CONTENT_FROM);
}

/** Throws unless the descriptor is a file of this user or root that nobody else may open. */
export function checkOwn(fd: number): void {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Error('it is not a file');
  if (stats.uid !== process.geteuid?.() && stats.uid !== 0)
    throw new Error(`it belongs to user ${stats.uid}`);
  if ((stats.mode & 0o077) !== 0) throw new Error(`its permissions are ${(stats.mode & 0o777).toString(8)}`);
}
