/**
 * Address space: where it is limited (`ulimit -v`), V8 ends the whole process when a thread gets no
 * room for its code. So there must be room before a thread is started.
 */

import { readFileSync } from 'node:fs';
import { PlatformError } from '../../errors.ts';

const MEBIBYTE = 1 << 20;
/** Mebibytes that a thread reserves, nearly all of which it never touches: measured, per Node. */
const RESERVED: number = Number.parseInt(process.versions.node, 10) >= 26 ? 1000 : 700;

/** Bytes that this process may map; `Infinity`: as many as it likes. */
let limit: number | undefined;

/** Throws `PlatformError` where a thread would find too little room. */
export function checkAddressSpace(title: string): void {
  limit ??= readLimit();
  if (limit === Number.POSITIVE_INFINITY) return;
  const free = Math.floor((limit - mapped()) / MEBIBYTE);
  if (free >= RESERVED) return;
  throw new PlatformError(
    `${title}: can't be started, this process may map ${free} MiB more (ulimit -v) and a thread of Node ${process.versions.node} ` +
      `reserves up to ${RESERVED}; raise the limit, or use a Process`,
  );
}

function readLimit(): number {
  const soft = /^Max address space\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

function mapped(): number {
  const kibibytes = /^VmSize:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
