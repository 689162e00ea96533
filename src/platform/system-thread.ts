/** SystemThread: the number by which the system knows the running thread. */

import { readlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * The thread's number in its own pid namespace, as in `/proc/<pid>/task`; 0 where the system does
 * not say.
 */
export function systemThread(): number {
  // A process's first thread has its number.
  if (isMainThread) return process.pid;
  try {
    const [, tid = '0'] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    return Number(tid);
  } catch {
    // No /proc: tools that look from outside say less.
    return 0;
  }
}
