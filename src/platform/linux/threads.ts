/**
 * Linux: the threads of this process as its kernel shows them in /proc, and the address space that
 * they share.
 */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isMainThread } from '../../this-thread.ts';
import type { ThreadCalls } from '../platform.ts';

const TASKS = '/proc/self/task';

/** Bytes that this process may map; `Infinity`: as many as it likes. */
let limit: number | undefined;

export const threads: ThreadCalls = {
  systemThread(): number {
    // A process's first thread has its number.
    if (isMainThread) return process.pid;
    try {
      const [, tid = '0'] = /\/task\/(\d+)$/.exec(readlinkSync('/proc/thread-self')) ?? [];
      return Number(tid);
    } catch {
      // Without /proc, tools that look from outside report less.
      return 0;
    }
  },

  tasks(): number[] {
    return readdirSync(TASKS).map(Number);
  },

  hasTask(task: number): boolean {
    return existsSync(`${TASKS}/${task}`);
  },

  hasEnded(pid: number, task: number): boolean {
    const tasks = `/proc/${pid}/task`;
    return existsSync(tasks) && !existsSync(`${tasks}/${task}`);
  },

  threadStatus(): string[] | undefined {
    try {
      return readFileSync('/proc/thread-self/status', 'utf8').split('\n');
    } catch {
      // No /proc here, or it is closed to this user.
      return undefined;
    }
  },

  freeAddressSpace(): number {
    limit ??= readLimit();
    return limit === Number.POSITIVE_INFINITY ? limit : limit - mapped();
  },
};

function readLimit(): number {
  const soft = /^Max address space\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

function mapped(): number {
  const kibibytes = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
