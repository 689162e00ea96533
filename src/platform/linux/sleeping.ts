/** Linux: futex(2) and clock_gettime(2). */

import { constants, endianness } from 'node:os';
import type { FutexOutcome, SleepCalls } from '../platform.ts';
import { koffi } from './koffi.ts';
import type { Ffi } from './libc.ts';
import { declared, errno, failed } from './libc.ts';

const CLOCK_MONOTONIC = 1;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const NANOSECONDS_PER_MILLISECOND = 1e6;
/** A sleep is cut to this, in milliseconds: far above any interval used, and safe in a timespec. */
const LONGEST_SLEEP = 3_600_000;

/**
 * Number of the futex system call, per processor (Linux `asm/unistd.h`): the processors that
 * Lockstep supports.
 */
export const FUTEX_CALL: Record<string, number> = {
  x64: 202,
  arm64: 98,
  riscv64: 98,
  loong64: 98,
  ppc64: 221,
  arm: 240,
  ia32: 240,
};

// Other processors are refused before anything sleeps.
const futexCall = FUTEX_CALL[process.arch] as number;
const { EAGAIN, EINTR, ETIMEDOUT } = constants.errno;

const calls = declared((libc) => ({
  clockGettime: libc.func('int clock_gettime(int clock, void *time)') as Ffi,
  futex: libc.func('long syscall(long n, uintptr_t addr, int op, int value, void *timeout)') as Ffi,
}));

/**
 * `struct timespec`: seconds and nanoseconds of 64 bits each, of which the low halves are ever
 * written. One per thread, as a thread sleeps in one place at a time.
 */
const timespec = new Uint32Array(4);
const SECONDS = endianness() === 'LE' ? 0 : 1;
const NANOSECONDS: number = SECONDS + 2;

export const sleeping: SleepCalls = {
  monotonicTime(): number {
    // A `struct timespec` of C: two longs, of 32 or 64 bits.
    const longs = koffi().sizeof('long') === 8 ? new BigInt64Array(2) : new Int32Array(2);
    if (calls().clockGettime(CLOCK_MONOTONIC, longs) !== 0) throw failed('clock_gettime', 'CLOCK_MONOTONIC');
    const [seconds, nanoseconds] = longs;
    return Number(seconds) * 1000 + Number(nanoseconds) / NANOSECONDS_PER_MILLISECOND;
  },

  futexWait(address: number, expected: number, milliseconds: number): FutexOutcome {
    const bounded = Math.min(Math.max(milliseconds, 0), LONGEST_SLEEP);
    const seconds = Math.floor(bounded / 1000);
    timespec[SECONDS] = seconds;
    timespec[NANOSECONDS] = (bounded - seconds * 1000) * NANOSECONDS_PER_MILLISECOND;
    if (calls().futex(futexCall, address, FUTEX_WAIT, expected, timespec) === 0) return 'woken';
    const code = errno();
    if (code === EAGAIN) return 'changed';
    if (code === ETIMEDOUT) return 'timeout';
    if (code === EINTR) return 'woken';
    throw failed('futex wait', `address ${address}`, code);
  },

  futexWake(address: number, count: number): number {
    const woken = calls().futex(futexCall, address, FUTEX_WAKE, count, null);
    if (woken < 0) throw failed('futex wake', `address ${address}`);
    return woken;
  },
};
