/** Linux: mkfifo(3), and open(2) and poll(2) for the FIFOs that libuv is given. */

import { constants } from 'node:fs';
import { constants as system } from 'node:os';
import { noDiskSpace } from '../disk-space.ts';
import type { FifoCalls } from '../platform.ts';
import { READABLE } from '../platform.ts';
import type { Ffi } from './libc.ts';
import { declared, errno, failed } from './libc.ts';

const O_CLOEXEC = 0o2000000;
const CAREFUL = constants.O_NONBLOCK | constants.O_NOFOLLOW | O_CLOEXEC;
/**
 * Read and written by the owner. The sticky bit tells systemd-tmpfiles to leave the file alone,
 * however old it is.
 */
const FIFO_MODE = 0o1600;
const POLLFD_BYTES = 8;
/** A wait is cut to this, in milliseconds: far above any interval used. */
const LONGEST_WAIT = 3_600_000;

const { EINTR, ENOSPC, EEXIST } = system.errno;

const calls = declared((libc) => ({
  mkfifo: libc.func('int mkfifo(const char *path, unsigned int mode)') as Ffi,
  open: libc.func('int open(const char *path, int flags)') as Ffi,
  close: libc.func('int close(int fd)') as Ffi,
  poll: libc.func('int poll(void *fds, unsigned long count, int timeout)') as Ffi,
}));

export const fifos: FifoCalls = {
  makeFifo(path: string): void {
    if (calls().mkfifo(path, FIFO_MODE) === 0) return;
    const code = errno();
    if (code === ENOSPC) throw noDiskSpace(path);
    if (code !== EEXIST) throw failed('mkfifo', path, code);
  },

  openFifo(path: string): number {
    this.makeFifo(path);
    const fd = calls().open(path, constants.O_RDWR | CAREFUL);
    if (fd < 0) throw failed('open', path);
    return fd;
  },

  watchFifo(path: string): number | undefined {
    const fd = calls().open(path, constants.O_RDONLY | CAREFUL);
    return fd < 0 ? undefined : fd;
  },

  closeFifo(fd: number): void {
    calls().close(fd);
  },

  waitForAny(fds: readonly number[], milliseconds: number): number[] | undefined {
    const requests = new Int16Array((fds.length * POLLFD_BYTES) / 2);
    const numbers = new Int32Array(requests.buffer);
    for (const [index, fd] of fds.entries()) {
      numbers[index * 2] = fd;
      requests[index * 4 + 2] = READABLE;
    }
    const time = Math.ceil(Math.min(Math.max(milliseconds, 0), LONGEST_WAIT));
    const found = calls().poll(requests, fds.length, time);
    if (found > 0) return fds.map((_, index) => requests[index * 4 + 3]!);
    if (found < 0 && errno() !== EINTR) throw failed('poll', `${fds.length} descriptors`);
    return undefined;
  },
};
