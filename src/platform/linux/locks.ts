/** Linux: flock(2), and the locks of fcntl(2) that belong to an open file. */

import { constants } from 'node:os';
import type { LockCalls } from '../platform.ts';
import { koffi } from './koffi.ts';
import type { Ffi } from './libc.ts';
import { declared, errno, failed } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
/** Locks of bytes that belong to the open file (Linux 3.15 and later). */
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;

const { EACCES, EAGAIN, EINTR } = constants.errno;

const calls = declared((libc) => {
  /**
   * `struct flock`, its offsets of 64 bits each. Without a name: names are for the whole process,
   * and threads would make it again.
   */
  const byteLock = koffi().struct({
    l_type: 'int16_t',
    l_whence: 'int16_t',
    l_start: 'int64_t',
    l_len: 'int64_t',
    l_pid: 'int32_t',
  });
  return {
    flock: libc.func('int flock(int fd, int op)') as Ffi,
    fcntl: libc.func('fcntl', 'int', ['int', 'int', koffi().pointer(byteLock)]) as Ffi,
  };
});

export const locks: LockCalls = {
  tryLockFile(fd: number, mode: 'exclusive' | 'shared'): boolean {
    const operation = (mode === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB;
    for (;;) {
      if (calls().flock(fd, operation) === 0) return true;
      const code = errno();
      if (code === EAGAIN) return false;
      if (code !== EINTR) throw failed('flock', `descriptor ${fd}`, code);
    }
  },

  tryLockByte(fd: number, at: number): boolean {
    for (;;) {
      if (calls().fcntl(fd, F_OFD_SETLK, lockOf(F_WRLCK, at)) === 0) return true;
      const code = errno();
      if (code === EAGAIN || code === EACCES) return false;
      if (code !== EINTR) throw failed('fcntl', `descriptor ${fd}`, code);
    }
  },

  unlockByte(fd: number, at: number): void {
    if (calls().fcntl(fd, F_OFD_SETLK, lockOf(F_UNLCK, at)) !== 0) throw failed('fcntl', `descriptor ${fd}`);
  },
};

function lockOf(type: number, at: number): object {
  return { l_type: type, l_whence: 0, l_start: at, l_len: 1, l_pid: 0 };
}
