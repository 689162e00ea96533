/** Unique names, for temporary files and anonymous folders. */

import { now } from '#clock';

const PARTS = 2;
const MICROSECONDS = 1000;

/**
 * A fresh name of letters and digits. Not a secret: the folder's permissions protect the file.
 * `node:crypto` would add over a millisecond to the start of every program.
 */
export function uniqueName(): string {
  const random = Array.from({ length: PARTS }, () => Math.random().toString(36).slice(2, 10).padEnd(8, '0'));
  return `${process.pid.toString(36)}-${Math.round(now() * MICROSECONDS).toString(36)}-${random.join('')}`;
}
