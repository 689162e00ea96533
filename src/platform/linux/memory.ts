/** Linux: mmap(2) and posix_fallocate(3). */

import { openSync } from 'node:fs';
import { constants } from 'node:os';
import { noDiskSpace } from '../disk-space.ts';
import type { Mapping, MemoryCalls } from '../platform.ts';
import { unbroken } from '../unbroken.ts';
import { koffi } from './koffi.ts';
import type { Ffi } from './libc.ts';
import { declared, failed } from './libc.ts';

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;

const { EINTR, ENOSPC, EFBIG } = constants.errno;

const calls = declared((libc) => ({
  mmap: libc.func('void *mmap(void *addr, size_t len, int prot, int flags, int fd, int64_t off)'),
  mmapAt: libc.func(
    'intptr_t mmap(uintptr_t addr, size_t len, int prot, int flags, int fd, int64_t off)',
  ) as Ffi,
  munmap: libc.func('int munmap(uintptr_t addr, size_t len)') as Ffi,
  posixFallocate: libc.func('int posix_fallocate(int fd, int64_t off, int64_t len)') as Ffi,
}));

export const memory: MemoryCalls = {
  map(fd: number, size: number): Mapping {
    const pointer = calls().mmap(null, size, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint;
    if (BigInt.asIntN(64, BigInt(pointer)) === -1n) throw failed('mmap', `${size} bytes`);
    const buffer = unbroken(() => koffi().view(pointer, size) as ArrayBuffer);
    return { buffer, address: Number(pointer) };
  },

  unmap(address: number, size: number): void {
    if (calls().munmap(address, size) !== 0) throw failed('munmap', `address ${address}`);
  },

  detach(address: number, size: number): boolean {
    const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS;
    return calls().mmapAt(address, size, PROT_READ_WRITE, flags, -1, 0) !== -1;
  },

  reserve(fd: number, size: number, path: string): void {
    let code: number;
    do code = calls().posixFallocate(fd, 0, size);
    while (code === EINTR);
    if (code === ENOSPC || code === EFBIG)
      throw noDiskSpace(path, undefined, { bytes: size, at: `/proc/self/fd/${fd}` });
    if (code !== 0) throw failed('posix_fallocate', path, code);
  },

  openOwnMemory(): number | undefined {
    try {
      return openSync('/proc/self/mem', 'r');
    } catch {
      // No /proc, or rights were given up since the program began.
      return undefined;
    }
  },
};
