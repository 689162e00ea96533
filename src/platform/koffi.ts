/**
 * koffi, through which the system is called. Its native module is not to be had everywhere: then
 * Lockstep says so.
 */

import { PlatformError } from '../errors.ts';
import { libraryRequire } from '../package-root.ts';

export const koffi: typeof import('koffi') = load();

function load(): typeof import('koffi') {
  try {
    return libraryRequire()('koffi') as typeof import('koffi');
  } catch (cause) {
    const [reason] = String((cause as Error).message).split('\n', 1);
    throw new PlatformError(
      `lockstep: refused to load, its native module koffi can't be loaded here (${reason}); ${adviceFor(cause as NodeJS.ErrnoException)}`,
      { cause },
    );
  }
}

function adviceFor({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ERR_DLOPEN_DISABLED' || code === 'ERR_ACCESS_DENIED') {
    return 'start the program without --no-addons; under --permission with --allow-addons, and with --allow-fs-read and --allow-fs-write for what it uses';
  }
  if (code === 'MODULE_NOT_FOUND' || /native/.test(message)) {
    return 'install it beside the program, with its package for this system (@koromix/koffi-…), and keep lockstep out of bundles';
  }
  if (code === 'EMFILE' || code === 'ENFILE') return 'raise the limit of open files (ulimit -n)';
  return 'see its cause';
}
