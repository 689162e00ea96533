/** Where this code runs: the process and the thread at hand, their parent, their children. */

import { isMainThread, threadId } from '../this-thread.ts';
import { standForSelf } from './child-state.ts';
import { liveChildren } from './children.ts';
import { identity, isMain } from './identity.ts';
import { Process } from './process/process.ts';
import { countProcessors } from './processors.ts';
import { Thread } from './thread/thread.ts';

/**
 * `true` in the program's main thread, `false` in every child that Lockstep started, and in worker
 * threads. A child imports the module of its target, so a program's own actions belong inside
 * `if (isMainProcess)`.
 */
export const isMainProcess: boolean = isMain;

/** The process that started this one with Lockstep. */
export interface ParentProcess {
  readonly pid: number;
  readonly name: string;
  /** Whether it still runs. */
  isAlive(): boolean;
}

let ownProcess: Process | undefined;
let ownThread: Thread | undefined;

/**
 * The process that this code runs in; in the `run` of a subclass, that is `this`. Its `start`,
 * `join`, `terminate` and `kill` can't be used here.
 */
export function currentProcess(): Process {
  if (ownProcess === undefined) {
    const { name, daemon } = identity().process;
    ownProcess = Object.create(Process.prototype) as Process;
    standForSelf(ownProcess, 'Process', name, daemon);
  }
  return ownProcess;
}

/**
 * The thread that this code runs in; in the `run` of a subclass, that is `this`. Its `start`,
 * `join`, `terminate` and `kill` can't be used here.
 */
export function currentThread(): Thread {
  if (ownThread === undefined) {
    const { name, daemon } = identity().thread;
    ownThread = Object.create(Thread.prototype) as Thread;
    standForSelf(ownThread, 'Thread', isForeign() ? `worker ${threadId}` : name, daemon);
  }
  return ownThread;
}

/** The process that started this one; `null` in the program's main process. */
export function parentProcess(): ParentProcess | null {
  const { parent } = identity().process;
  if (parent === null) return null;
  return { ...parent, isAlive: () => process.ppid === parent.pid };
}

/** The processes that this thread has started and that still run, in the order of their start. */
export function activeChildren(): Process[] {
  return liveChildren().filter((child): child is Process => child instanceof Process);
}

/**
 * The number of processors that this thread may use, at least 1. It respects the thread's processor
 * affinity, and the quota of its control group (such as a container's), rounded up.
 */
export function cpuCount(): number {
  return countProcessors();
}

/** For `run-target.ts`: the object that stands for this process or thread. */
export function becomeCurrent(kind: 'Process' | 'Thread', self: object): void {
  if (kind === 'Process') ownProcess = self as Process;
  else ownThread = self as Thread;
}

/** A worker thread that Lockstep did not start. */
function isForeign(): boolean {
  return !isMainThread && identity().thread.name === 'MainThread';
}
