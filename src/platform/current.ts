/** The platform this program runs on. */

import { linux } from './linux/linux.ts';
import { FUTEX_CALL } from './linux/sleeping.ts';
import type { Platform } from './platform.ts';
import { unsupported } from './unsupported.ts';

export const platform: Platform = choose();

function choose(): Platform {
  const processors = Object.keys(FUTEX_CALL);
  if (process.platform === 'linux' && processors.includes(process.arch)) return linux;
  return unsupported(`Linux on ${processors.join(', ')}`);
}
