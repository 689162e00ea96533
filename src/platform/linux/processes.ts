/**
 * Linux: the questions of parent and child processes to the kernel about each other.
 *
 * A child's exit is *peeked* (`waitid` with `WNOWAIT`), never taken: libuv reaps it later and finds
 * what it expects.
 */

import { closeSync, constants, openSync, readFileSync, realpathSync } from 'node:fs';
import { PlatformError } from '../../errors.ts';
import { sleep } from '../../sleep.ts';
import type { Exit, ProcessCalls } from '../platform.ts';
import type { Ffi } from './libc.ts';
import { declared, errno } from './libc.ts';

const PR_SET_PDEATHSIG = 1;
const O_CLOEXEC = 0o2000000;
/** The same number on every processor (Linux 5.3 and later). */
const PIDFD_OPEN_CALL = 434;
const POLLIN = 1;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
const CLD_EXITED = 1;
const SIGINFO_WORDS = 32;
/**
 * Words of `siginfo_t`: `si_code`, then `si_pid` and `si_status` behind a header that is aligned to
 * a pointer.
 */
const CODE_WORD = 2;
const PID_WORD = process.arch === 'arm' || process.arch === 'ia32' ? 3 : 4;
const STATUS_WORD = PID_WORD + 2;
/** Milliseconds between two looks where the kernel has no pidfd. */
const LOOK_INTERVAL = 5;

const calls = declared((libc) => ({
  prctl: libc.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  ) as Ffi,
  pidfdOpen: libc.func('long syscall(long n, int pid, unsigned int flags)') as Ffi,
  poll: libc.func('int poll(void *fds, unsigned long count, int timeout)') as Ffi,
  waitid: libc.func('int waitid(int type, unsigned int id, void *info, int options)') as Ffi,
  close: libc.func('int close(int fd)') as Ffi,
  pipe: libc.func('int pipe2(void *fds, int flags)') as Ffi,
  exit: libc.func('void _exit(int code)') as Ffi,
  defaultLoop: libc.func('void *uv_default_loop()') as () => bigint,
  loopAlive: libc.func('int uv_loop_alive(void *loop)') as Ffi,
}));

export const processes: ProcessCalls = {
  setParentDeathSignal(signal: number): void {
    if (calls().prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) === 0) return;
    throw new PlatformError(
      `prctl: failed to ask for signal ${signal} at the parent's end, errno ${errno()}; allow prctl in this sandbox`,
    );
  },

  clearParentDeathSignal(): void {
    calls().prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
  },

  withPipe<T>(use: (reading: number, writing: number) => T): T {
    const ends = new Int32Array(2);
    if (calls().pipe(ends, O_CLOEXEC) !== 0) {
      throw new PlatformError(`pipe2: failed, errno ${errno()}; raise the limit of open files (ulimit -n)`);
    }
    const [reading, raw] = ends as unknown as [number, number];
    try {
      const writing = openSync(`/proc/self/fd/${raw}`, constants.O_WRONLY | O_CLOEXEC);
      // Otherwise the reader would never see the end.
      calls().close(raw);
      ends[1] = -1;
      try {
        return use(reading, writing);
      } catch (error) {
        closeSync(writing);
        throw error;
      }
    } finally {
      for (const fd of ends) if (fd >= 0) calls().close(fd);
    }
  },

  isLoopAlive(): boolean {
    return calls().loopAlive(calls().defaultLoop()) !== 0;
  },

  endAtOnce(code: number): never {
    calls().exit(code);
    throw new PlatformError('_exit: failed to end this process; allow it in this sandbox');
  },

  peekExit,

  watchExit<T>(pid: number, sleeping: (sleep: (milliseconds: number) => boolean) => T): T {
    const fd = calls().pidfdOpen(PIDFD_OPEN_CALL, pid, 0);
    if (fd < 0) return sleeping((milliseconds) => lookAgain(pid, milliseconds));
    try {
      return sleeping((milliseconds) => pollReadable(fd, milliseconds));
    } finally {
      // Not node:fs: in a thread it warns about descriptors that it did not open.
      calls().close(fd);
    }
  },

  memoryOf(pid: number): number | undefined {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
      return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ESRCH') return undefined;
      throw error;
    }
  },

  outOfMemoryKills(): number | undefined {
    const group = /^0::(.*)$/m.exec(contentOf('/proc/self/cgroup'))?.[1];
    const events = group === undefined ? '' : contentOf(`/sys/fs/cgroup${group}/memory.events`);
    const kills = /^oom_kill (\d+)$/m.exec(events) ?? /^oom_kill (\d+)$/m.exec(contentOf('/proc/vmstat'));
    return kills === null ? undefined : Number(kills[1]);
  },

  isStopped(pid: number): boolean {
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
  },

  executable: () => realpathSync('/proc/self/exe'),
};

function peekExit(pid: number): Exit | null {
  const info = new Int32Array(SIGINFO_WORDS);
  const outcome = calls().waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT);
  if (outcome !== 0 || info[PID_WORD] !== pid) return null;
  const status = info[STATUS_WORD] ?? 0;
  return info[CODE_WORD] === CLD_EXITED ? { code: status } : { signal: status };
}

/**
 * *Blocks* until the descriptor is readable, a signal arrives or the time passes; returns whether
 * it is readable.
 */
function pollReadable(fd: number, milliseconds: number): boolean {
  const request = new Int32Array([fd, POLLIN]);
  return calls().poll(request, 1, Math.ceil(Math.min(milliseconds, 0x7fffffff))) > 0;
}

/** For kernels without pidfd. */
function lookAgain(pid: number, milliseconds: number): boolean {
  if (peekExit(pid) !== null) return true;
  sleep(Math.min(milliseconds, LOOK_INTERVAL));
  return peekExit(pid) !== null;
}

/** The content of a file of the kernel's; empty if it can't be read. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
