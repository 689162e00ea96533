/** Calls of the system that threads make over and over, until they are terminated. */

import { openSync } from 'node:fs';
import type { Event } from 'lockstep';
import { load } from '../support/internals.ts';

const { platform }: typeof import('../../src/platform/current.ts') = await load('platform/current.js');

const FAR_AWAY = 1_000_000;

/** Groups of calls: each is called in a loop. */
const groups: Record<string, (fd: number, word: number) => void> = {
  locks: (fd) => {
    if (platform.tryLockByte(fd, FAR_AWAY)) platform.unlockByte(fd, FAR_AWAY);
    platform.tryLockFile(fd, 'shared');
  },
  memory: (fd) => {
    const { address } = platform.map(fd, 4096);
    platform.unmap(address, 4096);
  },
  sleeping: (_, word) => {
    platform.futexWake(word, 1);
    platform.futexWait(word, 0, 0.001);
    platform.monotonicTime();
  },
  waiting: (fd) => void platform.waitForAny([fd], 0),
};

export const SYSTEM_CALLS: readonly string[] = Object.keys(groups);

export function callSystem(group: string, path: string, ready: Event): void {
  const call = groups[group]!;
  const fd = openSync(path, 'r+');
  const { address } = platform.map(fd, 4096);
  call(fd, address);
  ready.set();
  for (;;) call(fd, address);
}
