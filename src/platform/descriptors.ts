/** Descriptors: how many this process may have, and the errors when there are no more. */

import { readFileSync } from 'node:fs';

const FEWEST = 256;
const SHORTAGES = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);
let most: number | undefined;

/** The soft limit, as it was when it was first asked for. */
export function mostDescriptors(): number {
  most ??= readLimit();
  return most;
}

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

/** Whether the system was short of descriptors or memory just then, which may be over soon. */
export function isShortage(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as NodeJS.ErrnoException;
  // An error of ours has the system's as its cause.
  return SHORTAGES.has(code ?? '') || (cause !== undefined && isShortage(cause));
}
