/**
 * Functions of the C library, declared when the first of a group is called, and the errors that
 * they report.
 */

import { constants } from 'node:os';
import type { LibraryHandle } from 'koffi';
import { PlatformError } from '../../errors.ts';
import { unbroken } from '../unbroken.ts';
import { koffi } from './koffi.ts';

/**
 * A function of the C library. It takes no plain objects and arrays. koffi asks JavaScript for
 * their contents, and gets no answer in a thread that is just being terminated. It goes on with
 * undefined memory, and the whole process ends with SIGSEGV. For the same reason functions are
 * declared as text.
 */
export type Ffi = (...values: (number | bigint | string | NodeJS.ArrayBufferView | null)[]) => number;

let libc: LibraryHandle | undefined;

/**
 * Returns a function that calls `declare` with the C library once, and gives its result each time.
 */
export function declared<Calls>(declare: (libc: LibraryHandle) => Calls): () => Calls {
  let calls: Calls | undefined;
  return () => {
    // koffi makes functions: a thread must not be terminated meanwhile.
    calls ??= unbroken(() => {
      libc ??= koffi().load(null);
      return declare(libc);
    });
    return calls;
  };
}

/** The error number of the last call that failed. */
export function errno(): number {
  return koffi().errno();
}

export function failed(call: string, what: string, code: number = errno()): PlatformError {
  const name = Object.entries(constants.errno).find(([, value]) => value === code)?.[0] ?? `errno ${code}`;
  const advice =
    name === 'EMFILE' || name === 'ENFILE'
      ? 'raise the limit of open files (ulimit -n), or use fewer processes and threads at a time'
      : 'check the limits of this system (ulimit -a) and report it if they are not the cause';
  return new PlatformError(`${call}: failed on ${what}, ${name}; ${advice}`, {
    cause: Object.assign(new Error(`${call}: ${name}`), { code: name }),
  });
}
