/**
 * A system that Lockstep does not support: it may be imported there, with its types and errors, and
 * refuses to share memory.
 */

import { UnsupportedPlatformError } from '../errors.ts';
import type { Platform } from './platform.ts';

/**
 * The platform on which every call throws `UnsupportedPlatformError`. `supported`: the alternative,
 * as in a message.
 */
export function unsupported(supported: string): Platform {
  const refuse = (): never => {
    throw new UnsupportedPlatformError(
      `lockstep: can't share memory, this is ${process.platform} on ${process.arch} and supported is ${supported}; ` +
        'run the program on Linux, in a container or a virtual machine, ' +
        'or share a SharedArrayBuffer between worker threads of one program instead',
    );
  };
  return {
    checkSupported: refuse,
    map: refuse,
    unmap: refuse,
    detach: refuse,
    reserve: refuse,
    openOwnMemory: refuse,
    tryLockFile: refuse,
    unlockFile: refuse,
    tryLockByte: refuse,
    unlockByte: refuse,
    makeFifo: refuse,
    openFifo: refuse,
    watchFifo: refuse,
    closeFifo: refuse,
    waitForAny: refuse,
    monotonicTime: refuse,
    futexWait: refuse,
    futexWake: refuse,
    setParentDeathSignal: refuse,
    clearParentDeathSignal: refuse,
    withPipe: refuse,
    isLoopAlive: refuse,
    endAtOnce: refuse,
    peekExit: refuse,
    watchExit: refuse,
    isStopped: refuse,
    memoryOf: refuse,
    outOfMemoryKills: refuse,
    executable: refuse,
    systemThread: refuse,
    tasks: refuse,
    hasTask: refuse,
    hasEnded: refuse,
    threadStatus: refuse,
    freeAddressSpace: refuse,
    sharedFolder: refuse,
    throughDescriptor: refuse,
    mostDescriptors: refuse,
  };
}
