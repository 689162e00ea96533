/**
 * Launch: the seam between what all children have in common and what is particular to processes and
 * to threads.
 */

import type { Deadline } from '../deadline.ts';
import type { Job } from './job.ts';
import type { Outcome } from './outcome.ts';
import type { Moving } from './thread/moving.ts';

/** Starts a child. Throws where it can't; then nothing is left of the attempt. */
export type Launch = (job: ChildJob) => Running;

/** A job, and the child that is to run it. */
export interface ChildJob extends Job {
  /** Begins messages: `Process "Process-1"`. */
  readonly title: string;
  readonly name: string;
  readonly daemon: boolean;
  /** To be called from the event loop when the child has ended. */
  readonly onEnd: () => void;
}

/** A child that was started. */
export interface Running {
  /** Process id, or thread id. */
  readonly id: number;
  /** How values move to and from a thread. */
  readonly moving?: Moving;
  /** Its exit code as soon as it has ended; `null` before. Does not block. */
  peek(): number | null;
  /** *Blocks* until the child has ended or the deadline passes. */
  block(deadline: Deadline): void;
  /** Whether it keeps this thread's event loop running. */
  keepAlive(on: boolean): void;
  stop(how: 'terminate' | 'kill'): void;
  /** Called once, after the end: frees what the child held, and gives what it left. */
  collect(): Outcome | undefined;
  /** To be asked after `collect`, of a child that left no outcome. */
  death(): Death;
}

/** The facts about a child that ended without an outcome. */
export interface Death {
  /** Whether Lockstep ran in it. */
  readonly ran: boolean;
  /** The options that its Node was given. */
  readonly options: string;
  /** The error that ended it, if that reached its parent. */
  readonly cause?: unknown;
}
