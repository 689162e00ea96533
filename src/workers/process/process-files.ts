/**
 * Process files: how a parent and a child process hand over the job and its outcome.
 *
 * A file without a name: the parent makes it in its namespace's folder, takes its name away at
 * once, and hands it down as descriptor 3.
 *
 *   byte  0  MAGIC
 *         4  progress   WRITTEN by the parent; BEGUN, OPENED, GIVING and DONE by the child
 *         8  length     bytes of what follows
 *        16  the job, until the child has opened the shared objects in it; from GIVING on the
 *            outcome
 *
 * A file and no pipe: a result of any size can't block a child that nobody reads from. Without a
 * name, because nobody else can put anything in its place, and because the system takes it away
 * when both are gone, however they ended.
 *
 * Death: the header goes in one write, after what it speaks of. A child killed before that has left
 * nothing; its parent reads up to what the header says. One killed while GIVING has written its
 * outcome, and perhaps handed over the shared objects in it: its parent refuses that gift
 * (gift.ts). A parent killed before it has taken the name away leaves an empty file, `job-<slot>`;
 * the next in its slot makes its own there.
 */

import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import type { Agent } from '../../agents/agent.ts';
import type { Parcel } from '../../codec/parcel.ts';
import { readClone } from '../../codec/read-clone.ts';
import { v8 } from '../../codec/v8.ts';
import { LockstepError, NoSpaceError, NotSendableError, PlatformError } from '../../errors.ts';
import type { FunctionReference } from '../../functions/reference.ts';
import type { Address } from '../gift.ts';
import { refuseGift, withGift } from '../gift.ts';
import type { ProcessIdentity } from '../identity.ts';
import type { Outcome, Sending } from '../outcome.ts';
import { threw } from '../outcome.ts';

const MAGIC = 0x314a534c;
const HEADER_BYTES = 16;
/** How far a child has come. */
const WRITTEN = 0;
const BEGUN = 1;
const OPENED = 2;
const GIVING = 3;
const DONE = 4;
/** The descriptor in the child: the first after standard input, output and error. */
const HANDED_DOWN = 3;

/** What a child process has to do, and who it is. */
export interface Job {
  readonly identity: ProcessIdentity;
  /** Folder of the namespace. */
  readonly folder: string;
  readonly target: FunctionReference;
  readonly isMethod: boolean;
  readonly cargo: Parcel;
  /** Where it goes first; `undefined`: where it starts. */
  readonly workingFolder: string | undefined;
  /** The agent that takes the outcome. */
  readonly parent: Address;
}

/** A job's file, in the parent or in the child. */
export interface JobFiles {
  /** The open file. */
  readonly fd: number;
  /** What the child is to be told on its command line. */
  readonly job: string;
}

/** Writes the job. Throws `NotSendableError` or `NoSpaceError`; then nothing is left. */
export function writeJob({ namespace, slot }: Agent, job: Job, title: string): JobFiles {
  let bytes: Uint8Array;
  try {
    bytes = v8().serialize(job);
  } catch (cause) {
    throw new NotSendableError(
      `${title}: can't be started, its arguments can't be sent (${(cause as Error).message}); send plain data or shared objects instead`,
      { cause },
    );
  }
  const { directory } = namespace;
  const name = `job-${slot}`;
  let fd: number | undefined;
  try {
    while (fd === undefined) {
      directory.remove(name);
      fd = directory.make(name);
    }
    directory.remove(name);
    writePart(fd, WRITTEN, bytes);
    return { fd, job: String(HANDED_DOWN) };
  } catch (cause) {
    if (fd !== undefined) closeSync(fd);
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || cause instanceof NoSpaceError) {
      throw new NoSpaceError(
        `${title}: can't be started, there is no room for its ${bytes.length} bytes of arguments in "${directory.path}"; ` +
          'free space there (df shows it), or pass large data in shared memory',
        { cause },
      );
    }
    if (cause instanceof LockstepError) throw cause;
    throw new PlatformError(`${title}: can't be started, ${(cause as Error).message}; check the folder`, {
      cause,
    });
  }
}

/** What the descriptors of a child have to be for it to get the file. */
export function stdioWith({ fd }: JobFiles): ('inherit' | number)[] {
  return ['inherit', 'inherit', 'inherit', fd];
}

/** Reads the job that this process was started with. Throws `PlatformError` where that is none. */
export function readJob(given: string): { job: Job; files: JobFiles } {
  const fd = Number(given);
  try {
    checkOwn(fd);
    const { progress, content } = readPart(fd);
    if (progress !== WRITTEN) throw new Error('it was read before');
    return { job: readClone(content) as Job, files: { fd, job: given } };
  } catch (cause) {
    throw new PlatformError(
      `lockstep: can't run as a child process, descriptor ${given} is no job (${(cause as Error).message}); start children by Process.start()`,
      { cause },
    );
  }
}

/** Says that Lockstep runs in the child. */
export function beginJob({ fd }: JobFiles): void {
  writeHeader(fd, BEGUN, 0);
}

/** Says that the child has all it needs of the job. */
export function finishJob({ fd }: JobFiles): void {
  writeHeader(fd, OPENED, 0);
  ftruncateSync(fd, HEADER_BYTES);
}

/** Whether Lockstep has run in the child. To be asked before the outcome is taken. */
export function hasBegun({ fd }: JobFiles): boolean {
  return readHeader(fd).progress >= BEGUN;
}

/** Whether the child has all it needs of the job. */
export function isFinished({ fd }: JobFiles): boolean {
  return readHeader(fd).progress >= OPENED;
}

/** Records the outcome; one that can't be written is replaced by the error that says so. */
export function writeOutcome({ fd }: JobFiles, sending: Sending, parent: Address): void {
  try {
    give(fd, sending, parent);
  } catch (error) {
    const reason = error as NodeJS.ErrnoException;
    const message = `its result was lost, ${reason.message}; return less, or put large data into shared memory`;
    const Kind = reason.code === 'ENOSPC' ? NoSpaceError : NotSendableError;
    ftruncateSync(fd, HEADER_BYTES);
    give(fd, threw(new Kind(message, { cause: error }), 'process'), parent);
  }
}

/** Takes what the child left; `undefined` if it left nothing. */
export function takeOutcome({ fd }: JobFiles): Outcome | undefined {
  try {
    const { progress } = readHeader(fd);
    if (progress < GIVING) return undefined;
    const outcome = readClone(readPart(fd).content) as Outcome;
    if (progress === DONE) return outcome;
    if (outcome.gift !== undefined) refuseGift(outcome.gift);
    return undefined;
  } catch (error) {
    return threw(error, 'process').outcome;
  } finally {
    closeSync(fd);
  }
}

function give(fd: number, { outcome, shared }: Sending, parent: Address): void {
  withGift(shared, parent, (gift, handOver) => {
    const bytes = v8().serialize({ ...outcome, gift });
    writePart(fd, GIVING, bytes);
    handOver();
    writeHeader(fd, DONE, bytes.length);
  });
}

function writePart(fd: number, progress: number, bytes: Uint8Array): void {
  // The kernel takes at most some 2 GB at once.
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, HEADER_BYTES + at);
  }
  writeHeader(fd, progress, bytes.length);
}

function writeHeader(fd: number, progress: number, length: number): void {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  header.setInt32(0, MAGIC, true);
  header.setInt32(4, progress, true);
  header.setFloat64(8, length, true);
  writeSync(fd, header, 0, HEADER_BYTES, 0);
}

function readHeader(fd: number): { progress: number; length: number } {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  if (readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES || header.getInt32(0, true) !== MAGIC) {
    throw new Error('it does not begin as a job does');
  }
  return { progress: header.getInt32(4, true), length: header.getFloat64(8, true) };
}

function readPart(fd: number): { progress: number; content: Uint8Array } {
  const { progress, length } = readHeader(fd);
  if (!(length >= 0 && HEADER_BYTES + length <= fstatSync(fd).size)) throw new Error('it was cut');
  const content = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const read = readSync(fd, content, at, length - at, HEADER_BYTES + at);
    if (read === 0) throw new Error('it was cut');
    at += read;
  }
  return { progress, content };
}

/** Throws unless the descriptor is a file of this user or root that nobody else may open. */
function checkOwn(fd: number): void {
  const stats = fstatSync(fd);
  if (!stats.isFile()) throw new Error('it is not a file');
  if (stats.uid !== process.geteuid?.() && stats.uid !== 0)
    throw new Error(`it belongs to user ${stats.uid}`);
  if ((stats.mode & 0o077) !== 0) throw new Error(`its permissions are ${(stats.mode & 0o777).toString(8)}`);
}
