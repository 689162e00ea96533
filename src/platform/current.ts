/** The platform this program runs on. */

import { PlatformError } from '../errors.ts';
import { linux } from './linux.ts';
import type { Platform } from './platform.ts';

export const platform: Platform = choose();

function choose(): Platform {
  if (process.platform === 'linux') return linux;
  throw new PlatformError(
    `lockstep: refused to load on ${process.platform}, only Linux is supported so far; run it in a Linux container or VM`,
  );
}
