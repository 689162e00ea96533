/**
 * Tasks: the system's information on processes and threads, in /proc. Missing information stays
 * unknown.
 */

import { readFileSync } from 'node:fs';
import { JOB_OPTION } from '../agents/child-context.ts';

/** The activity of a thread, as the system sees it. */
export interface Task {
  /** `S` sleeps, `R` runs, `D` waits for a disk, `T` is stopped, `t` is traced, `Z` is dead. */
  readonly state: string;
  /** The kernel function that it sleeps in; empty where the system does not say. */
  readonly sleepsIn: string;
  /** Nanoseconds for which it has run; `null` if unknown. */
  readonly ran: number | null;
}

/** The activity of the thread; `undefined` if there is none, or the system does not say. */
export function readTask(pid: number, tid: number): Task | undefined {
  const state = readTaskState(pid, tid);
  if (state === undefined) return undefined;
  const folder = taskFolder(pid, tid);
  return {
    state,
    sleepsIn: readText(`${folder}/wchan`) ?? '',
    ran: Number(readText(`${folder}/schedstat`)?.split(' ')[0] ?? Number.NaN) || null,
  };
}

/** Only the state of the thread: reads one file instead of three. */
export function readTaskState(pid: number, tid: number): Task['state'] | undefined {
  const stat = readText(`${taskFolder(pid, tid)}/stat`);
  // The name between brackets may have any characters.
  return stat?.charAt(stat.lastIndexOf(')') + 2);
}

function taskFolder(pid: number, tid: number): string {
  return `/proc/${pid}/task/${tid || pid}`;
}

/**
 * Returns a function that reports whether a process has ended. A zombie has ended, too: its parent
 * has not read its exit code yet. Looks at each process once.
 */
export function endedReader(): (pid: number) => boolean {
  const ended = new Map<number, boolean>();
  return (pid) => {
    const known = ended.get(pid);
    if (known !== undefined) return known;
    const state = readTaskState(pid, pid);
    const has = state === undefined || state === 'Z' || state === 'X';
    ended.set(pid, has);
    return has;
  };
}

/** Characters of a command line that are shown. */
const SHOWN = 60;

/** The command line of the process, or the one that `lockstep run` runs in it; empty if unknown. */
export function commandOf(pid: number): string {
  const parts = readCommand(pid);
  return ranBy(parts) ?? shortened(parts);
}

/** The command that `lockstep run` runs in the process; `undefined` for other programs. */
export function commandRunBy(pid: number): string | undefined {
  return ranBy(readCommand(pid));
}

function ranBy(parts: readonly string[]): string | undefined {
  const from = parts.includes('run') ? parts.indexOf('--') : -1;
  return from < 0 ? undefined : shortened(parts.slice(from + 1));
}

function shortened(parts: readonly string[]): string {
  const text = parts.join(' ');
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** The process that has started that one; `undefined` if unknown. */
export function readParent(pid: number): number | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(parent) || undefined;
}

/** The command line of a process; empty if unknown. */
export function readCommand(pid: number): string[] {
  return readText(`/proc/${pid}/cmdline`)?.split('\0').slice(0, -1) ?? [];
}

/** Whether the command line is that of a child process of Lockstep's. */
export function isChildCommand(parts: readonly string[]): boolean {
  return parts.some((part) => part.startsWith(JOB_OPTION));
}

/** Whether the system lists locks and the activity of threads. */
export function tellsAll(): boolean {
  return readText('/proc/locks') !== undefined && readTask(process.pid, process.pid) !== undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended, or is another user's.
    return undefined;
  }
}
