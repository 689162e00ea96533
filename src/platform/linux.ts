/** Linux: mmap, posix_fallocate, flock, fcntl, mkfifo, poll and futex(2), called through koffi. */

import { constants } from 'node:fs';
import { endianness } from 'node:os';
import { PlatformError } from '../errors.ts';
import { koffi } from './koffi.ts';
import type { FutexOutcome, Mapping, Platform } from './platform.ts';
import { READABLE } from './platform.ts';
import { noRoom } from './room.ts';

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const CLOCK_MONOTONIC = 1;
const O_CLOEXEC = 0o2000000;
/**
 * Read and written by the owner. The sticky bit tells systemd-tmpfiles to leave the file alone,
 * however old it is.
 */
const FIFO_MODE = 0o1600;
/** Locks of bytes that belong to the open file (Linux 3.15 and later). */
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;
const POLLFD_BYTES = 8;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const NANOSECONDS_PER_MILLISECOND = 1e6;
/** A sleep is cut to this, in milliseconds: far above any interval used, and safe in a timespec. */
const LONGEST_SLEEP = 3_600_000;

/** Number of the futex system call, per processor (Linux `asm/unistd.h`). */
const FUTEX_CALL: Record<string, number> = {
  x64: 202,
  arm64: 98,
  riscv64: 98,
  loong64: 98,
  ia32: 240,
  arm: 240,
  ppc64: 221,
};

type Ffi = (...values: unknown[]) => number;

const libc = koffi.load(null);
const mmap = libc.func('void *mmap(void *addr, size_t len, int prot, int flags, int fd, int64_t off)');
const mmapAt = libc.func(
  'intptr_t mmap(uintptr_t addr, size_t len, int prot, int flags, int fd, int64_t off)',
) as Ffi;
const munmap = libc.func('int munmap(uintptr_t addr, size_t len)') as Ffi;
const posixFallocate = libc.func('int posix_fallocate(int fd, int64_t off, int64_t len)') as Ffi;
const flock = libc.func('int flock(int fd, int op)') as Ffi;
/**
 * `struct flock`, its offsets of 64 bits each. Without a name: names are for the whole process, and
 * threads would make it again.
 */
const byteLock = koffi.struct({
  l_type: 'int16_t',
  l_whence: 'int16_t',
  l_start: 'int64_t',
  l_len: 'int64_t',
  l_pid: 'int32_t',
});
const fcntl = libc.func('fcntl', 'int', ['int', 'int', koffi.pointer(byteLock)]) as Ffi;
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)') as Ffi;
const mkfifo = libc.func('int mkfifo(const char *path, unsigned int mode)') as Ffi;
const open = libc.func('int open(const char *path, int flags)') as Ffi;
const clockGettime = libc.func('int clock_gettime(int clock, void *time)') as Ffi;
const close = libc.func('int close(int fd)') as Ffi;
const futex = libc.func('long syscall(long n, uintptr_t addr, int op, int value, void *timeout)') as Ffi;

const futexCall = FUTEX_CALL[process.arch];
const { EACCES, EAGAIN, EINTR, ENOSPC, EFBIG, EEXIST } = koffi.os.errno as Record<string, number>;
const ETIMEDOUT = koffi.os.errno.ETIMEDOUT;

/**
 * `struct timespec`: seconds and nanoseconds of 64 bits each, of which the low halves are ever
 * written. One per thread, as a thread sleeps in one place at a time.
 */
const timespec = new Uint32Array(4);
const SECONDS = endianness() === 'LE' ? 0 : 1;
const NANOSECONDS: number = SECONDS + 2;

export const linux: Platform = {
  map(fd: number, size: number): Mapping {
    const pointer = mmap(null, size, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint;
    if (BigInt.asIntN(64, BigInt(pointer)) === -1n) throw failed('mmap', `${size} bytes`);
    return { buffer: koffi.view(pointer, size) as ArrayBuffer, address: Number(pointer) };
  },

  unmap(address: number, size: number): void {
    if (munmap(address, size) !== 0) throw failed('munmap', `address ${address}`);
  },

  detach(address: number, size: number): boolean {
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
    return mmapAt(address, size, PROT_READ_WRITE, flags, -1, 0) !== -1;
  },

  reserve(fd: number, size: number, path: string): void {
    let code: number;
    do code = posixFallocate(fd, 0, size);
    while (code === EINTR);
    if (code === ENOSPC || code === EFBIG) throw noRoom(path);
    if (code !== 0) throw failed('posix_fallocate', path, code);
  },

  tryLockFile(fd: number, mode: 'exclusive' | 'shared'): boolean {
    const operation = (mode === 'exclusive' ? LOCK_EX : LOCK_SH) | LOCK_NB;
    for (;;) {
      if (flock(fd, operation) === 0) return true;
      const code = koffi.errno();
      if (code === EAGAIN) return false;
      if (code !== EINTR) throw failed('flock', `descriptor ${fd}`, code);
    }
  },

  tryLockByte(fd: number, at: number): boolean {
    for (;;) {
      if (fcntl(fd, F_OFD_SETLK, lockOf(F_WRLCK, at)) === 0) return true;
      const code = koffi.errno();
      if (code === EAGAIN || code === EACCES) return false;
      if (code !== EINTR) throw failed('fcntl', `descriptor ${fd}`, code);
    }
  },

  unlockByte(fd: number, at: number): void {
    if (fcntl(fd, F_OFD_SETLK, lockOf(F_UNLCK, at)) !== 0) throw failed('fcntl', `descriptor ${fd}`);
  },

  makeFifo(path: string): void {
    if (mkfifo(path, FIFO_MODE) === 0) return;
    const code = koffi.errno();
    if (code === ENOSPC) throw noRoom(path);
    if (code !== EEXIST) throw failed('mkfifo', path, code);
  },

  watchFifo(path: string): number | undefined {
    const fd = open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? undefined : fd;
  },

  closeFifo(fd: number): void {
    close(fd);
  },

  waitForAny(fds: readonly number[], milliseconds: number): number[] | undefined {
    const requests = new Int16Array((fds.length * POLLFD_BYTES) / 2);
    const numbers = new Int32Array(requests.buffer);
    for (const [index, fd] of fds.entries()) {
      numbers[index * 2] = fd;
      requests[index * 4 + 2] = READABLE;
    }
    const time = Math.ceil(Math.min(Math.max(milliseconds, 0), LONGEST_SLEEP));
    const found = poll(requests, fds.length, time);
    if (found > 0) return fds.map((_, index) => requests[index * 4 + 3]!);
    if (found < 0 && koffi.errno() !== EINTR) throw failed('poll', `${fds.length} descriptors`);
    return undefined;
  },

  openFifo(path: string): number {
    this.makeFifo(path);
    const fd = open(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) throw failed('open', path);
    return fd;
  },

  monotonicTime(): number {
    // A `struct timespec` of C: two longs, of 32 or 64 bits.
    const longs = koffi.sizeof('long') === 8 ? new BigInt64Array(2) : new Int32Array(2);
    if (clockGettime(CLOCK_MONOTONIC, longs) !== 0) throw failed('clock_gettime', 'CLOCK_MONOTONIC');
    const [seconds, nanoseconds] = longs;
    return Number(seconds) * 1000 + Number(nanoseconds) / NANOSECONDS_PER_MILLISECOND;
  },

  futexWait(address: number, expected: number, milliseconds: number): FutexOutcome {
    const bounded = Math.min(Math.max(milliseconds, 0), LONGEST_SLEEP);
    const seconds = Math.floor(bounded / 1000);
    timespec[SECONDS] = seconds;
    timespec[NANOSECONDS] = (bounded - seconds * 1000) * NANOSECONDS_PER_MILLISECOND;
    if (futex(futexCall, address, FUTEX_WAIT, expected, timespec) === 0) return 'woken';
    const code = koffi.errno();
    if (code === EAGAIN) return 'changed';
    if (code === ETIMEDOUT) return 'timeout';
    if (code === EINTR) return 'woken';
    throw failed('futex wait', `address ${address}`, code);
  },

  futexWake(address: number, count: number): number {
    const woken = futex(futexCall, address, FUTEX_WAKE, count, null);
    if (woken < 0) throw failed('futex wake', `address ${address}`);
    return woken;
  },
};

function lockOf(type: number, at: number): object {
  return { l_type: type, l_whence: 0, l_start: at, l_len: 1, l_pid: 0 };
}

function failed(call: string, what: string, code: number = koffi.errno()): PlatformError {
  const name = Object.entries(koffi.os.errno).find(([, value]) => value === code)?.[0] ?? `errno ${code}`;
  return new PlatformError(
    `${call}: failed on ${what}, ${name}; check the limits of this system (ulimit -a) and report it if they are not the cause`,
    { cause: Object.assign(new Error(`${call}: ${name}`), { code: name }) },
  );
}
