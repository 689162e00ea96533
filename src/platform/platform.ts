/** What Lockstep asks of an operating system: the one interface behind which each system has a file. */

/** A file mapped into this thread's memory. */
export interface Mapping {
  readonly buffer: ArrayBuffer;
  /** Address of the first byte. Below 2^53 on every supported system, so a number holds it exactly. */
  readonly address: number;
}

/** How a futex wait ended: woken, the time passed, or the word did not hold the expected value. */
export type FutexOutcome = 'woken' | 'timeout' | 'changed';

export interface Platform {
  /** Maps `size` bytes of the open file, shared and writable. Throws `PlatformError`. */
  map(fd: number, size: number): Mapping;
  /** Gives mapped memory back. Nothing may touch it afterwards: the process would be killed. */
  unmap(address: number, size: number): void;
  /**
   * Puts zeros of the process's own in place of mapped memory, which stays valid, and lets go of the file. `false`: the system refuses, and all
   * is as before.
   */
  detach(address: number, size: number): boolean;
  /** Reserves the file's blocks, so that writing to the mapping can't fail later. Throws `NoSpaceError`. */
  reserve(fd: number, size: number, path: string): void;
  /** Takes the kernel's lock of the open file if it is free. The kernel drops it when the descriptor's owner dies. */
  tryLockFile(fd: number, mode: 'exclusive' | 'shared'): boolean;
  /** Makes a FIFO for this user alone, if there is nothing of that name. Throws `NoSpaceError`. */
  makeFifo(path: string): void;
  /**
   * Opens a FIFO for reading and writing without blocking; a link is not followed. The descriptor is for libuv, which closes it: Node
   * keeps a list of those that a worker thread has opened with `node:fs`, and would close it once more when the thread ends,
   * whoever had that number by then.
   */
  openFifo(path: string): number;
  /** Milliseconds on the clock that all processes of this machine share. */
  monotonicTime(): number;
  /** Sleeps while the word at `address` holds `expected`. *Blocks* the thread for at most `milliseconds`. */
  futexWait(address: number, expected: number, milliseconds: number): FutexOutcome;
  /** Wakes at most `count` threads that sleep on the word; returns how many it woke. */
  futexWake(address: number, count: number): number;
}
