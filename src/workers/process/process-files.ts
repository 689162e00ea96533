/**
 * Process files: how a parent and a child process hand over the job and its outcome.
 *
 *   <namespace folder>/job-<id>      written by the parent, read by the child, and removed when it has opened the shared objects in it
 *   <namespace folder>/result-<id>   written by the child under another name and renamed, read and removed by the parent
 *
 * Files and no pipe: a result of any size can't block a child that nobody reads from, and the folder takes with it whatever
 * a killed process leaves.
 */

import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { serialize } from 'node:v8';
import type { Parcel } from '../../codec/parcel.ts';
import { readClone } from '../../codec/read-clone.ts';
import { NoSpaceError, NotSendableError, PlatformError } from '../../errors.ts';
import type { FunctionReference } from '../../functions/reference.ts';
import { uniqueName } from '../../platform/unique.ts';
import type { Address } from '../gift.ts';
import { refuseGift, withGift } from '../gift.ts';
import type { ProcessIdentity } from '../identity.ts';
import type { Outcome, Sending } from '../outcome.ts';
import { threw } from '../outcome.ts';

/** What a child process has to do, and who it is. */
export interface Job {
  readonly identity: ProcessIdentity;
  readonly target: FunctionReference;
  readonly isMethod: boolean;
  readonly cargo: Parcel;
  /** The agent that takes the outcome. */
  readonly parent: Address;
}

/** Where a job's files are. The job's own path tells all. */
export interface JobFiles {
  readonly folder: string;
  readonly job: string;
  readonly result: string;
}

/** Writes the job. Throws `NotSendableError` or `NoSpaceError`; then nothing is left. */
export function writeJob(folder: string, job: Job, title: string): JobFiles {
  const files = jobFiles(`${folder}/job-${uniqueName()}`);
  let bytes: Uint8Array;
  try {
    bytes = serialize(job);
  } catch (cause) {
    throw new NotSendableError(
      `${title}: can't be started, its arguments can't be sent (${(cause as Error).message}); send plain data or shared objects instead`,
      { cause },
    );
  }
  try {
    writeFileSync(files.job, bytes, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    rmSync(files.job, { force: true });
    if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') {
      throw new NoSpaceError(
        `${title}: can't be started, there is no room for its ${bytes.length} bytes of arguments in "${folder}"; ` +
          'free space there (df shows it), or pass large data in shared memory',
        { cause },
      );
    }
    throw new PlatformError(`${title}: can't be started, ${(cause as Error).message}; check the folder`, {
      cause,
    });
  }
  return files;
}

/** Reads the job from its file. */
export function readJob(path: string): { job: Job; files: JobFiles } {
  return { job: readClone(readFileSync(path)) as Job, files: jobFiles(path) };
}

/** Says that the child has all it needs of the job. */
export function finishJob({ job }: JobFiles): void {
  rmSync(job, { force: true });
}

/** Whether the child has said so. */
export function isFinished({ job }: JobFiles): boolean {
  return !existsSync(job);
}

/** Records the outcome; one that can't be written is replaced by the error that says so. */
export function writeOutcome({ result }: JobFiles, sending: Sending, parent: Address): void {
  try {
    writeWhole(result, sending, parent);
  } catch (error) {
    const reason = error as NodeJS.ErrnoException;
    const message = `its result was lost, ${reason.message}; return less, or put large data into shared memory`;
    const Kind = reason.code === 'ENOSPC' ? NoSpaceError : NotSendableError;
    writeWhole(result, threw(new Kind(message, { cause: error }), 'process'), parent);
  }
}

/** Takes what the child left; `undefined` if it left nothing. */
export function takeOutcome({ job, result }: JobFiles): Outcome | undefined {
  try {
    return readClone(readFileSync(result)) as Outcome;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return threw(error, 'process').outcome;
    refuseUnfinished(result);
    return undefined;
  } finally {
    for (const path of [job, result, unfinished(result)]) rmSync(path, { force: true });
  }
}

function writeWhole(path: string, { outcome, shared }: Sending, parent: Address): void {
  withGift(shared, parent, (gift, handOver) => {
    writeFileSync(unfinished(path), serialize({ ...outcome, gift }), { mode: 0o600 });
    handOver();
    renameSync(unfinished(path), path);
  });
}

/** The gift of a child that died before its outcome had its name. */
function refuseUnfinished(path: string): void {
  let outcome: Outcome;
  try {
    outcome = readClone(readFileSync(unfinished(path))) as Outcome;
  } catch {
    // There is none, or it is cut: then nothing was handed over yet.
    return;
  }
  if (outcome.gift !== undefined) refuseGift(outcome.gift);
}

function jobFiles(job: string): JobFiles {
  return { folder: dirname(job), job, result: job.replace(/job-([^/]+)$/, 'result-$1') };
}

function unfinished(path: string): string {
  return `${path}.part`;
}
