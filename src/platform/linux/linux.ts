/** Linux: all that Lockstep asks of it. */

import type { Platform } from '../platform.ts';
import { directories } from './directories.ts';
import { fifos } from './fifos.ts';
import { koffi } from './koffi.ts';
import { locks } from './locks.ts';
import { memory } from './memory.ts';
import { processes } from './processes.ts';
import { sleeping } from './sleeping.ts';
import { threads } from './threads.ts';

export const linux: Platform = {
  checkSupported() {
    // Before a folder is made for what could not be mapped.
    koffi();
  },
  ...memory,
  ...locks,
  ...fifos,
  ...sleeping,
  ...processes,
  ...threads,
  ...directories,
};
