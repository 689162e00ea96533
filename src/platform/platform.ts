/**
 * The services that Lockstep needs from an operating system: the one interface behind which each
 * system has a file.
 */

/** A file mapped into this thread's memory. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /**
   * Address of the first byte. Below 2^53 on every supported system, so a number holds it exactly.
   */
  readonly address: number;
}

/** In the results of `waitForAny`: there is something to read. */
export const READABLE = 1;

/** How a futex wait ended: woken, the time passed, or the word did not hold the expected value. */
export type FutexOutcome = 'woken' | 'timeout' | 'changed';

export interface Platform {
  /** Maps `size` bytes of the open file, shared and writable. Throws `PlatformError`. */
  map(fd: number, size: number): Mapping;
  /** Gives mapped memory back. Nothing may touch it afterwards: the process would be killed. */
  unmap(address: number, size: number): void;
  /**
   * Puts zeros of the process's own in place of mapped memory, which stays valid, and lets go of
   * the file. `false`: the system refuses, and all is as before.
   */
  detach(address: number, size: number): boolean;
  /**
   * Reserves the file's blocks, so that writing to the mapping can't fail later. Throws
   * `NoSpaceError`.
   */
  reserve(fd: number, size: number, path: string): void;
  /**
   * Takes the kernel's lock of the open file if it is free. The kernel drops it when the
   * descriptor's owner dies.
   */
  tryLockFile(fd: number, mode: 'exclusive' | 'shared'): boolean;
  /**
   * Takes the kernel's lock of one byte of the open file if it is free. It belongs to the open
   * file, so the kernel drops it when the descriptor's owner dies, and threads of one process
   * exclude each other.
   */
  tryLockByte(fd: number, at: number): boolean;
  /** Gives the lock of the byte back. */
  unlockByte(fd: number, at: number): void;
  /** Makes a FIFO, or leaves the one that is there. Throws `NoSpaceError`, `PlatformError`. */
  makeFifo(path: string): void;
  /**
   * Opens a FIFO for reading, for libuv as `openFifo` does; `undefined` where there is none, or no
   * descriptor is to be had for it.
   */
  watchFifo(path: string): number | undefined;
  /**
   * Closes what `watchFifo` has opened and libuv was not given: node:fs would warn of it in a
   * thread.
   */
  closeFifo(fd: number): void;
  /**
   * *Blocks* the thread for at most `milliseconds`, until one of the descriptors has something to
   * read, or its last writer is gone. Returns of each 0, or a sum: of `READABLE`, and of more where
   * its last writer is gone. `undefined`: the time passed, or a signal came.
   */
  waitForAny(fds: readonly number[], milliseconds: number): number[] | undefined;
  /**
   * Opens a FIFO, made if need be, for reading and writing without blocking. The descriptor is for
   * libuv, which closes it: Node keeps a list of those that a worker thread has opened with
   * `node:fs`, and would close it once more when the thread ends, whoever had that number by then.
   */
  openFifo(path: string): number;
  /** Milliseconds on the clock that all processes of this machine share. */
  monotonicTime(): number;
  /**
   * Sleeps while the word at `address` holds `expected`. *Blocks* the thread for at most
   * `milliseconds`.
   */
  futexWait(address: number, expected: number, milliseconds: number): FutexOutcome;
  /** Wakes at most `count` threads that sleep on the word; returns how many it woke. */
  futexWake(address: number, count: number): number;
}
