/** Linux: flock(2), and the locks of fcntl(2) that belong to an open file. */

import { constants, endianness } from 'node:os';
import type { LockCalls } from '../platform.ts';
import { koffi } from './koffi.ts';
import type { Ffi } from './libc.ts';
import { declared, errno, failed } from './libc.ts';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
/** Locks of bytes that belong to the open file (Linux 3.15 and later). */
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;

const { EACCES, EAGAIN, EINTR } = constants.errno;

const IS_LITTLE = endianness() === 'LE';
const LOCK_BYTES = 32;

const calls = declared((libc) => ({
  flock: libc.func('int flock(int fd, int op)') as Ffi,
  fcntl: libc.func('int fcntl(int fd, int command, void *lock)') as Ffi,
}));

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

  unlockFile(fd: number): void {
    if (calls().flock(fd, LOCK_UN) !== 0) throw failed('flock', `descriptor ${fd}`);
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

/**
 * `struct flock` with offsets of 64 bits each: type and whence of 16 bits, then start and length,
 * each where the processor aligns such numbers, and a pid of 0.
 */
function lockOf(type: number, at: number): DataView {
  const lock = new DataView(new ArrayBuffer(LOCK_BYTES));
  const start = Math.max(4, koffi().alignof('int64_t'));
  lock.setInt16(0, type, IS_LITTLE);
  lock.setBigInt64(start, BigInt(at), IS_LITTLE);
  lock.setBigInt64(start + 8, 1n, IS_LITTLE);
  return lock;
}
