/** Stopped: whether somebody has stopped a process, by a signal or a debugger. */

import { readFileSync } from 'node:fs';

/** `false` also where the process is not to be seen from here. */
export function isStopped(pid: number): boolean {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return false;
    throw error;
  }
  // After the command's name, which may contain anything, its state.
  const state = text.charAt(text.lastIndexOf(')') + 2);
  return state === 'T' || state === 't';
}
