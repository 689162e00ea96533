/**
 * Child context: whether this process or thread was started to run a target, and whether the code
 * at hand runs on that target's behalf. All copies of Lockstep in a program agree on it, also of
 * different versions.
 *
 * The record of a child lies on its `process` object, under a symbol that all copies know. The
 * bootstrap may not have written it yet (a module of `--import` runs earlier), or may never run
 * (the executable is not Node). Then the job on the command line shows that this is a child
 * process. Neither is inherited by unrelated programs that a child starts.
 *
 * A child imports modules whose top level may be a program that forgot its guard. Later actions of
 * such code (after an `await`, in a timer, in a listener) can't be distinguished from the target's
 * own actions by their time. They can by origin: Node's asynchronous context leads from each
 * callback back to the import, or to the call of the target.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { isMainThread } from '../this-thread.ts';

/**
 * On whose behalf a child's code runs. `undefined`: neither is known, as in a listener of
 * `beforeExit`.
 */
export type Phase = 'importing' | 'target' | undefined;

/**
 * The record that a child's copies of Lockstep share. A later version may add fields, and changes
 * none.
 */
export interface ChildRecord {
  /** Which process and thread this is; see `workers/identity.ts`. */
  readonly identity: unknown;
  readonly phase: () => Phase;
}

/** Precedes the path of the job on a child process's command line. */
export const JOB_OPTION = '--lockstep-job=';

const RECORD = Symbol.for('lockstep.child');

let phases: AsyncLocalStorage<Exclude<Phase, undefined>> | undefined;

/** The record of this process or thread, if a bootstrap has run here. */
export function childRecord(): ChildRecord | undefined {
  return (process as { [RECORD]?: ChildRecord })[RECORD];
}

/** Called by the bootstraps, before any module of the program's is imported. */
export function recordChild(identity: unknown): void {
  phases = new AsyncLocalStorage();
  const record: ChildRecord = { identity, phase: () => phases?.getStore() };
  Object.defineProperty(process, RECORD, { value: record, configurable: true });
}

/** Whether Lockstep started this process, or this thread, to run a target. */
export const isChild = (): boolean => childRecord() !== undefined || hasJob;

/**
 * The bootstrap takes the job off the command line, so a copy that is loaded later has to find the
 * record.
 */
const hasJob: boolean = isMainThread && process.argv.some((argument) => argument.startsWith(JOB_OPTION));

/** Runs `work`, and all that follows from it, as a child in this phase. */
export function inPhase<Result>(phase: Exclude<Phase, undefined>, work: () => Result): Result {
  return phases === undefined ? work() : phases.run(phase, work);
}
