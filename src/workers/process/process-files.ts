/**
 * Process files: carry the job from a parent to a child process, and its outcome back.
 *
 * A file without a name: the parent makes it in its namespace's folder, takes its name away at
 * once, and hands it down as descriptor 3.
 *
 *   progress   WRITTEN by the parent; BEGUN, OPENED, GIVING and DONE by the child
 *   content    the job, until the child has opened the shared objects in it; from GIVING on the
 *              outcome
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

import { closeSync } from 'node:fs';
import { about } from '../../agents/about.ts';
import type { Agent } from '../../agents/agent.ts';
import { readClone } from '../../codec/read-clone.ts';
import { v8 } from '../../codec/v8.ts';
import { LockstepError, NoSpaceError, NotSendableError, PlatformError } from '../../errors.ts';
import type { Address } from '../gift.ts';
import { refuseGift, withGift } from '../gift.ts';
import type { ProcessIdentity } from '../identity.ts';
import type { PackedJob } from '../job.ts';
import type { Outcome, Sending } from '../outcome.ts';
import { threw } from '../outcome.ts';
import {
  checkOwn,
  dropContent,
  PROGRESS,
  readHeader,
  readPart,
  writeAbout,
  writeHeader,
  writePart,
} from './job-file.ts';
import type { Takeover } from './takeover.ts';

const { WRITTEN, BEGUN, OPENED, GIVING, DONE } = PROGRESS;
/** The descriptor in the child: the first after standard input, output and error. */
const HANDED_DOWN = 3;
/** The descriptor of the code cache in a child that is given one. */
export const CODE_DESCRIPTOR = 4;

/** The job of a child process, and its identity. */
export interface ProcessJob extends PackedJob {
  readonly identity: ProcessIdentity;
  /** The kernel's number of the thread that starts it, unless that is its process's first. */
  readonly startedBy?: number;
  /** Where it goes first; `undefined`: where it starts. */
  readonly workingFolder: string | undefined;
  /** The changes that make a spare like a process that is started now; see takeover.ts. */
  readonly takeover?: Takeover | undefined;
}

/** A job's file, in the parent or in the child. */
export interface JobFiles {
  /** The open file. */
  readonly fd: number;
  /** The part of the job that is on the child's command line. */
  readonly job: string;
}

/**
 * Makes the file, in the agent's namespace, and takes its name away. Throws where there is no room
 * for it; then nothing is left.
 */
export function makeJobFile({ namespace: { directory }, slot }: Agent): JobFiles {
  const name = `job-${slot}`;
  let fd: number | undefined;
  while (fd === undefined) {
    directory.remove(name);
    fd = directory.make(name);
  }
  try {
    directory.remove(name);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, job: String(HANDED_DOWN) };
}

/**
 * Writes the job, into the file of a spare if one is given. Throws `NotSendableError` or
 * `NoSpaceError`; then nothing is left but the spare's file.
 */
export function writeJob(agent: Agent, job: ProcessJob, title: string, spare?: JobFiles): JobFiles {
  let bytes: Uint8Array;
  try {
    bytes = v8().serialize(job);
  } catch (cause) {
    throw new NotSendableError(
      `${title}: can't be started, its arguments can't be sent (${(cause as Error).message}); send plain data or shared objects instead`,
      { cause },
    );
  }
  let files = spare;
  try {
    // A spare brings its file along.
    files ??= makeJobFile(agent);
    writeAbout(files.fd, job.identity.name, about(job.target));
    writePart(files.fd, WRITTEN, bytes);
    return files;
  } catch (cause) {
    if (files !== undefined && files !== spare) closeSync(files.fd);
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC' || cause instanceof NoSpaceError) {
      throw new NoSpaceError(
        `${title}: can't be started, there is no room for its ${bytes.length} bytes of arguments in "${agent.folder}"; ` +
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

/** The descriptors that a child needs to get the file, and the one with its code cache. */
export function stdioWith({ fd }: JobFiles, code: number | undefined): ('inherit' | number)[] {
  return ['inherit', 'inherit', 'inherit', fd, ...(code === undefined ? [] : [code])];
}

/** Reads the job that this process was started with. Throws `PlatformError` where that is none. */
export function readJob(given: string): { job: ProcessJob; files: JobFiles } {
  const fd = Number(given);
  try {
    checkOwn(fd);
    const { progress, content } = readPart(fd);
    if (progress !== WRITTEN) throw new Error('it was read before');
    return { job: readClone(content) as ProcessJob, files: { fd, job: given } };
  } catch (cause) {
    throw new PlatformError(
      `lockstep: can't run as a child process, descriptor ${given} is not a job (${(cause as Error).message}); start children by Process.start()`,
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
  dropContent(fd);
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
    // The outcome could not be written: drop it, and write the error instead.
    const reason = error as NodeJS.ErrnoException;
    const message = `its result was lost, ${reason.message}; return less, or put large data into shared memory`;
    const Kind = reason.code === 'ENOSPC' ? NoSpaceError : NotSendableError;
    dropContent(fd);
    give(fd, threw(new Kind(message, { cause: error }), 'process'), parent);
  }
}

/** Takes the outcome that the child left; `undefined` if there is none. */
export function takeOutcome({ fd }: JobFiles): Outcome | undefined {
  try {
    const { progress } = readHeader(fd);
    if (progress < GIVING) return undefined;
    const outcome = readClone(readPart(fd).content) as Outcome;
    if (progress === DONE) return outcome;
    // The child died while it handed over its objects: free them.
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
