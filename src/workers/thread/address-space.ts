/**
 * Address space: where it is limited (`ulimit -v`), V8 ends the whole process when a thread gets no
 * room for its code. So there must be room before a thread is started.
 */

import { PlatformError } from '../../errors.ts';
import { platform } from '../../platform/current.ts';

const MEBIBYTE = 1 << 20;
/** Mebibytes that a thread reserves, nearly all of which it never touches: measured, per Node. */
const RESERVED: number = Number.parseInt(process.versions.node, 10) >= 26 ? 1000 : 700;

/** Throws `PlatformError` where a thread would find too little room. */
export function checkAddressSpace(title: string): void {
  const free = Math.floor(platform.freeAddressSpace() / MEBIBYTE);
  if (free >= RESERVED) return;
  throw new PlatformError(
    `${title}: can't be started, this process may map ${free} MiB more (ulimit -v) and a thread of Node ${process.versions.node} ` +
      `reserves up to ${RESERVED}; raise the limit, or use a Process`,
  );
}
