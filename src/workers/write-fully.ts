/** Writing to a descriptor at once and in full, without a stream. */

import { writeSync } from 'node:fs';
import { sleep } from '../sleep.ts';

/** Writes all of it, waiting where a full pipe takes no more. Errors other than that are thrown. */
export function writeFully(fd: number, data: string | Uint8Array): void {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      sleep(1);
    }
  }
}

/**
 * Writes all of it to the terminal or wherever standard error goes; nobody there is no reason to
 * fail.
 */
export function writeError(text: string): void {
  try {
    writeFully(2, text);
  } catch {
    // It is closed, or its reader is gone: the text can't be delivered.
  }
}
