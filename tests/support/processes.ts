/** Looking at the processes of this machine, by /proc. */

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './until.ts';

/** Pids of the other processes whose `LOCKSTEP_DIR` is `folder`, the zombies left out. */
export function processesOf(folder: string): number[] {
  return others().filter((pid) => folderOf(pid) === folder);
}

/**
 * Pids of the other processes whose `LOCKSTEP_DIR` is that of one of these, and lies below `base`.
 */
export function processesLike(pids: readonly number[], base: string): number[] {
  const folders = new Set(pids.map(folderOf).filter((folder) => folder?.startsWith(`${base}/`)));
  return others().filter((pid) => folders.has(folderOf(pid)));
}

/**
 * Whether a process has locked a file below the folder: one that is on its way out has no
 * environment any more, and its files may still be open.
 */
export function isLocked(folder: string): boolean {
  const locked = new Set(readFileSync('/proc/locks', 'utf8').match(/[\da-f]+:[\da-f]+:\d+/g));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((file) => {
    const found = statSync(join(folder, file), { throwIfNoEntry: false });
    return found !== undefined && locked.has(lockName(found));
  });
}

/** As /proc/locks names a file: the two numbers of its device, and its inode. */
function lockName({ dev, ino }: { dev: number; ino: number }): string {
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  return `${[major, minor].map((part) => part.toString(16).padStart(2, '0')).join(':')}:${ino}`;
}

/** Pids of the other processes in whose environment the text occurs. */
export function processesNaming(text: string): number[] {
  return others().filter((pid) => readProc(pid, 'environ').includes(text));
}

/** Pids of all that the process has started, and that those have, parents first. */
export function descendantsOf(pid: number): number[] {
  const found = [pid];
  const parents = new Map(others().map((other) => [other, parentOf(other)]));
  // The list grows while it is read.
  for (const parent of found) for (const [child, of] of parents) if (of === parent) found.push(child);
  return found.slice(1);
}

function others(): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

function folderOf(pid: number): string | undefined {
  const variables = readProc(pid, 'environ').split('\0');
  return variables.find((variable) => variable.startsWith('LOCKSTEP_DIR='))?.slice('LOCKSTEP_DIR='.length);
}

function parentOf(pid: number): number {
  return Number(stateOf(pid).split(' ')[1]);
}

/** The process's line in /proc from its state on, which stands first. */
function stateOf(pid: number): string {
  const stat = readProc(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2);
}

/** Whether the process runs: neither gone nor a zombie. */
export function runs(pid: number): boolean {
  const [state] = stateOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Bit of a process's flags in /proc: it is on its way out (PF_EXITING). */
const EXITING = 4;

/** Whether the process is ending, a zombie or gone: nothing of its program runs any more. */
export function isEnding(pid: number): boolean {
  const flags = stateOf(pid).split(' ')[6];
  return !runs(pid) || (Number(flags) & EXITING) !== 0;
}

/** `4121 (node worker.js)`. */
export function describeProcess(pid: number): string {
  return `${pid} (${readProc(pid, 'cmdline').replaceAll('\0', ' ').trim()})`;
}

/** Stops the process in its tracks. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(() => /^[Tt]/.test(stateOf(pid)), `process ${pid} to stop`);
}

export function thaw(pid: number): void {
  process.kill(pid, 'SIGCONT');
}

/** Ends the processes at once. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It ended meanwhile, or is another user's.
  }
}
