/** Linux: a process that becomes another program, and ends with the process that started it. */

import type { Ffi } from './libc.ts';
import { declared, errno } from './libc.ts';
import { processes } from './processes.ts';

const SIGKILL = 9;
const SIGPIPE = 13;
const SIG_DFL = 0;
const ENOENT = 2;
const F_SETFD = 2;

const calls = declared((libc) => ({
  signal: libc.func('intptr_t signal(int number, intptr_t handler)') as Ffi,
  fcntl: libc.func('int fcntl(int fd, int command, int flags)') as Ffi,
  execvp: libc.func('int execvp(const char *file, const char **arguments)') as (
    file: string | undefined,
    values: readonly (string | null)[],
  ) => number,
}));

/**
 * Becomes the program, which the kernel kills when the thread that started this process ends. The
 * kernel looks for its file along PATH. Returns only if that failed, with the exit code of a shell:
 * 127 if there is no such program, 126 if it can't be run.
 */
export function becomeProgram(command: readonly string[], parent: number): 126 | 127 {
  processes.setParentDeathSignal(SIGKILL);
  // The parent may have died before the kernel was asked.
  if (process.ppid !== parent) process.kill(process.pid, SIGKILL);
  // Node marks all its descriptors to be closed: the program would begin without input and output.
  for (const fd of [0, 1, 2]) calls().fcntl(fd, F_SETFD, 0);
  // Node ignores this signal, and the program would inherit that.
  calls().signal(SIGPIPE, SIG_DFL);
  calls().execvp(command[0], [...command, null]);
  return errno() === ENOENT ? 127 : 126;
}
