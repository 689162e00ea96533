/**
 * Lives: which agents live, as the kernel says in /proc/locks: each living agent has the lock of
 * the byte of `control` that has its slot's number. Locks of open files are listed in every pid
 * namespace, and reading the list takes none of them.
 */

import { readFileSync } from 'node:fs';
import type { FileIdentity } from './copy.ts';
import { endedReader } from './tasks.ts';

/** Whether any process has the lock of a slot; `undefined` if that is unknown. */
export type Lives = (control: FileIdentity, slot: number, pid: number) => boolean | undefined;

/** Locks by file: the slots whose bytes are locked. */
type Locked = Map<string, Set<number>>;

/** Reads the kernel's list once. */
export function readLives(): Lives {
  let locked: Locked | undefined;
  try {
    locked = parseLocks(readFileSync('/proc/locks', 'latin1'));
  } catch {
    // There is no /proc, or this user can't read it: only the processes show which agents live.
  }
  const hasEnded = endedReader();
  return (control, slot, pid) => {
    const slots = locked?.get(keyOf(control));
    if (slots !== undefined) return slots.has(slot);
    // No process has any lock of that file: either all agents are dead, or this system does not
    // list locks.
    // When a process ends, the kernel closes its files, and so releases its locks.
    return hasEnded(pid) ? false : undefined;
  };
}

/** Lines such as `1: OFDLCK ADVISORY  WRITE -1 00:1a:42 3 3`. */
function parseLocks(text: string): Locked {
  const locked: Locked = new Map();
  for (const line of text.split('\n')) {
    const match = /OFDLCK\s+\S+\s+WRITE\s+\S+\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s+(\d+)\s+(\d+)/.exec(line);
    // A line with an arrow belongs to a process that waits for a lock.
    if (match === null || line.includes('->')) continue;
    const [, major, minor, inode, first, last] = match;
    const key = `${Number.parseInt(major!, 16)}:${Number.parseInt(minor!, 16)}:${inode}`;
    const slots = locked.get(key) ?? new Set();
    // Neighbouring bytes of one open file are one lock.
    for (let slot = Number(first); slot <= Math.min(Number(last), 255); slot++) slots.add(slot);
    locked.set(key, slots);
  }
  return locked;
}

/** Device numbers as glibc packs them. */
function keyOf({ device, inode }: FileIdentity): string {
  const high = Math.floor(device / 2 ** 32);
  const low = device % 2 ** 32;
  const major = ((low >>> 8) & 0xfff) | (high & 0xfffff000);
  const minor = (low & 0xff) | ((low >>> 12) & 0xfff00);
  return `${major}:${minor}:${inode}`;
}
