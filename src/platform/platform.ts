/**
 * The services that Lockstep needs from an operating system: the one interface, behind which each
 * system has a folder. A system that is not supported has `unsupported.ts`.
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

/**
 * The outcome of a futex wait: woken, the time passed, or the word did not hold the expected value.
 */
export type FutexOutcome = 'woken' | 'timeout' | 'changed';

/** The end of a process: by itself with `code`, or by the signal numbered `signal`. */
export type Exit =
  | { readonly code: number; readonly signal?: undefined }
  | { readonly signal: number; readonly code?: undefined };

export interface MemoryCalls {
  /** Maps `size` bytes of the open file, shared and writable. Throws `PlatformError`. */
  map(fd: number, size: number): Mapping;
  /** Gives mapped memory back. Nothing may touch it afterwards: the process would be killed. */
  unmap(address: number, size: number): void;
  /**
   * Puts zeros of the process's own in place of mapped memory, which stays valid, and
   * releases the file. `false`: the system refuses, and nothing has changed.
   */
  detach(address: number, size: number): boolean;
  /**
   * Reserves the file's blocks, so that writing to the mapping can't fail later. Throws
   * `NoSpaceError`.
   */
  reserve(fd: number, size: number, path: string): void;
  /**
   * Opens the memory of this process as a file. A file that was cut while it is mapped can be read
   * only through that. `undefined` if the system does not offer it.
   */
  openOwnMemory(): number | undefined;
}

export interface LockCalls {
  /**
   * Takes the kernel's lock of the open file if it is free. The kernel drops it when the
   * descriptor's owner dies.
   */
  tryLockFile(fd: number, mode: 'exclusive' | 'shared'): boolean;
  /** Gives that lock back. */
  unlockFile(fd: number): void;
  /**
   * Takes the kernel's lock of one byte of the open file if it is free. It belongs to the open
   * file, so the kernel drops it when the descriptor's owner dies, and threads of one process
   * exclude each other.
   */
  tryLockByte(fd: number, at: number): boolean;
  /** Gives the lock of the byte back. */
  unlockByte(fd: number, at: number): void;
}

export interface FifoCalls {
  /** Makes a FIFO, or leaves the one that is there. Throws `NoSpaceError`, `PlatformError`. */
  makeFifo(path: string): void;
  /**
   * Opens a FIFO, made if need be, for reading and writing without blocking. The descriptor is for
   * libuv, which closes it. It must not come from `node:fs`: Node lists the descriptors that a
   * worker thread has opened there. It would close the number again when the thread ends, even if
   * another file had it by then.
   */
  openFifo(path: string): number;
  /**
   * Opens a FIFO for reading, for libuv as `openFifo` does. `undefined` if there is none, or if no
   * descriptor is free.
   */
  watchFifo(path: string): number | undefined;
  /**
   * Closes a descriptor of `watchFifo` that libuv did not get. (In a thread, node:fs would warn of
   * it.)
   */
  closeFifo(fd: number): void;
  /**
   * *Blocks* the thread for at most `milliseconds`, until one of the descriptors has something to
   * read, or its last writer is gone. Returns a number for each descriptor: 0, or `READABLE` plus
   * further bits if its last writer is gone. `undefined`: the time passed, or a signal came.
   */
  waitForAny(fds: readonly number[], milliseconds: number): number[] | undefined;
}

export interface SleepCalls {
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

export interface ProcessCalls {
  /**
   * Asks the kernel to send `signal` to this process when the thread that started it ends, however
   * it ends.
   */
  setParentDeathSignal(signal: number): void;
  /** Asks the kernel to stop sending a signal at the parent's end. */
  clearParentDeathSignal(): void;
  /**
   * Makes a pipe without a name and calls `use` with its reading end, which is closed afterwards,
   * and its writing end. No program that another thread starts meanwhile inherits either end.
   * Throws `PlatformError`.
   *
   * The writing end was opened by `node:fs`, so Node closes it when this thread ends, even by
   * `terminate()`. So the reader always notices the thread's end.
   */
  withPipe<T>(use: (reading: number, writing: number) => T): T;
  /**
   * Whether the event loop of this process's main thread has anything left to do. Call it in the
   * main thread.
   */
  isLoopAlive(): boolean;
  /** Ends this process immediately: no exit code of Node or of an addon runs. */
  endAtOnce(code: number): never;
  /**
   * Whether the child process `pid` has ended, and how; `null` while it runs. Does not block and
   * does not reap. Also `null` if it has already been reaped.
   */
  peekExit(pid: number): Exit | null;
  /**
   * Waits until the process `pid` has ended. Calls `sleeping` with a function that *blocks* the
   * thread for at most the milliseconds given and says whether the process has ended.
   */
  watchExit<T>(pid: number, sleeping: (sleep: (milliseconds: number) => boolean) => T): T;
  /**
   * Whether the process was stopped, by a signal or a debugger. `false` also where it is not to be
   * seen from here.
   */
  isStopped(pid: number): boolean;
  /** Bytes of memory that the process occupies; `undefined`: it has ended. */
  memoryOf(pid: number): number | undefined;
  /**
   * How many processes the kernel has killed for want of memory, in the control group of this one;
   * where it has none, on this machine. `undefined`: the system does not say.
   */
  outOfMemoryKills(): number | undefined;
  /** Path of the file that this process runs, without links. */
  executable(): string;
}

export interface ThreadCalls {
  /**
   * The system's number of the running thread, in its own pid namespace; 0 where the system does
   * not say.
   */
  systemThread(): number;
  /** The kernel's numbers of all threads of this process. */
  tasks(): number[];
  /** Whether this process has a thread of that number. */
  hasTask(task: number): boolean;
  /** Whether that thread of a living process has ended; `false` where the system does not say. */
  hasEnded(pid: number, task: number): boolean;
  /** The system's status of this thread, in lines; `undefined` where it shows none. */
  threadStatus(): string[] | undefined;
  /** Bytes that this process may still map; `Infinity`: as many as it likes. */
  freeAddressSpace(): number;
}

export interface DirectoryCalls {
  /** Where namespaces lie unless LOCKSTEP_DIR says otherwise: a folder in memory. */
  sharedFolder(): string;
  /** A path that leads to the open folder, whatever became of its own. It may lead nowhere. */
  throughDescriptor(fd: number): string;
  /** How many descriptors this process may have, as it was when that was first asked for. */
  mostDescriptors(): number;
}

export interface Platform
  extends MemoryCalls,
    LockCalls,
    FifoCalls,
    SleepCalls,
    ProcessCalls,
    ThreadCalls,
    DirectoryCalls {
  /** Throws `UnsupportedPlatformError` or `PlatformError` where memory can't be shared. */
  checkSupported(): void;
}
