/** The spare processes of this machine, by /proc. */

import { readdirSync, readFileSync } from 'node:fs';
import { isWarm } from './targets.ts';

/** Pids of the living spares that the process has started, also of those in use. */
export function sparesOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent && isSpare(pid));
}

/** State letter and parent, out of `/proc/<pid>/stat`. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(parent);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}

function isSpare(pid: number): boolean {
  try {
    return isWarm(pid);
  } catch {
    return false;
  }
}

/** How often its threads were put on a processor. */
export function switchesOf(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    for (const [, count] of status.matchAll(/ctxt_switches:\s*(\d+)/g)) sum += Number(count);
  }
  return sum;
}
