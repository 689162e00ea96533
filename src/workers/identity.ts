/**
 * Identity: which process and which thread of Lockstep this is. Settled before any user code runs.
 */

import { childRecord, isChild, recordChild } from '../agents/child-context.ts';
import { entryPoint } from '../package-root.ts';
import { isMainThread } from '../this-thread.ts';

/** A process as its children and its threads know it. */
export interface ProcessIdentity {
  readonly name: string;
  /**
   * Numbers of the processes from the program's main one down to this: `[1, 2]` is `Process-1:2`.
   */
  readonly path: readonly number[];
  readonly daemon: boolean;
  /** The process that started this one with Lockstep; `null` in the program's main process. */
  readonly parent: { readonly pid: number; readonly name: string } | null;
}

/** A thread as it knows itself. */
export interface ThreadIdentity {
  readonly name: string;
  readonly daemon: boolean;
}

export interface Identity {
  readonly process: ProcessIdentity;
  readonly thread: ThreadIdentity;
  /** Last numbers given to a process and to a thread; shared by the threads of this process. */
  readonly counters: Int32Array;
  /** Whether this thread, or one that started it, is a worker of a pool. */
  readonly isPoolWorker?: boolean;
}

export const MAIN_PROCESS_NAME = 'MainProcess';
export const MAIN_THREAD_NAME = 'MainThread';

const PROCESS_COUNTER = 0;
const THREAD_COUNTER = 1;

/** The module that a child process runs first. */
export const PROCESS_BOOTSTRAP: URL = entryPoint('process');
/** The module that a thread runs first. */
export const THREAD_BOOTSTRAP: URL = entryPoint('thread');

/** See `isMainProcess` in `current.ts`. */
export const isMain: boolean = isMainThread && !isChild();

/**
 * Where this program was when it started, or as soon after as could be seen; `undefined` if that
 * folder was gone.
 */
export const firstFolder: string | undefined = currentFolder();

let current: Identity = (childRecord()?.identity as Identity | undefined) ?? {
  process: { name: MAIN_PROCESS_NAME, path: [], daemon: false, parent: null },
  thread: { name: MAIN_THREAD_NAME, daemon: false },
  counters: newCounters(),
};

export function identity(): Identity {
  return current;
}

/**
 * Called by the bootstraps. Copies of Lockstep that are loaded later take over the same object. A
 * spare that loads modules ahead has a passing identity first, which then becomes the final one.
 */
export function assumeIdentity(assumed: Identity): void {
  if (current === childRecord()?.identity) {
    Object.assign(current, assumed);
    return;
  }
  current = assumed;
  recordChild(assumed);
}

/**
 * This thread is a worker of a pool. Lets this daemon have children: it ends with its parent, and
 * runs tasks that may start processes of their own. Other copies of Lockstep see it, too.
 */
export function becomePoolWorker(): void {
  Object.assign(current, { isPoolWorker: true, process: { ...current.process, daemon: false } });
}

/** The working directory; `undefined` if it was removed. */
export function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function newCounters(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
}

/** Place of a new child process in the family, e.g. `[1, 2]`. */
export function nextProcessPath(): readonly number[] {
  return [...current.process.path, Atomics.add(current.counters, PROCESS_COUNTER, 1) + 1];
}

/** Number of a new thread. */
export function nextThreadNumber(): number {
  return Atomics.add(current.counters, THREAD_COUNTER, 1) + 1;
}

/** Name that this agent shows as the holder of a lock. */
export function agentName({ process: { name, path }, thread }: Identity): string {
  if (thread.name === MAIN_THREAD_NAME) return name;
  return path.length === 0 ? thread.name : `${name}|${thread.name}`;
}
