/** Looking at the processes of this machine, by /proc. */

import { readdirSync, readFileSync } from 'node:fs';

/** Pids of the other processes whose `LOCKSTEP_DIR` is `folder`, the zombies left out. */
export function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => readProc(pid, 'environ').split('\0').includes(`LOCKSTEP_DIR=${folder}`))
    .map(Number);
}

/** Whether the process runs: neither gone nor a zombie. */
export function runs(pid: number): boolean {
  const stat = readProc(String(pid), 'stat');
  const state = stat.slice(stat.lastIndexOf(')') + 2)[0];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** `4121 (node worker.js)`. */
export function describeProcess(pid: number): string {
  return `${pid} (${readProc(String(pid), 'cmdline').replaceAll('\0', ' ').trim()})`;
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // It ended meanwhile, or is another user's.
  }
}
