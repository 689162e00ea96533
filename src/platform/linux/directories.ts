/** Linux: where shared files lie, and how an open folder is reached through its descriptor. */

import { readFileSync } from 'node:fs';
import type { DirectoryCalls } from '../platform.ts';

const FEWEST = 256;

let most: number | undefined;

export const directories: DirectoryCalls = {
  sharedFolder: () => '/dev/shm',

  throughDescriptor: (fd) => `/proc/self/fd/${fd}`,

  mostDescriptors(): number {
    most ??= readLimit();
    return most;
  },
};

function readLimit(): number {
  let text: string;
  try {
    text = readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Without /proc, or without a descriptor for it: as if there were few.
    return FEWEST;
  }
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(text)?.[1];
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit ?? FEWEST);
}
