/**
 * koffi, through which the system is called. It is loaded with the first function of the system, so
 * a program that only imports Lockstep does not pay for it. Its native module does not exist for
 * every system; Lockstep reports that with an error.
 *
 * koffi's own files take 6 ms to find the native module, a tenth of what Node takes to start. So
 * this file takes the native module from where they would find it. If it does not lie there, koffi
 * looks for it itself.
 */

import { existsSync, realpathSync } from 'node:fs';
import { PlatformError } from '../../errors.ts';
import { CODE_FILE, libraryRequire } from '../../package-root.ts';
import { unbroken } from '../unbroken.ts';

type Koffi = typeof import('koffi');

/** The version that `package.json` names. For another version, koffi itself reports its needs. */
export const KOFFI_VERSION = '3.3.4';

/** The loader of programs that are linked to musl (Alpine), per processor. */
const MUSL: Record<string, string> = { x64: '/lib/ld-musl-x86_64.so.1', arm64: '/lib/ld-musl-aarch64.so.1' };

let loaded: Koffi | undefined;

export function koffi(): Koffi {
  loaded ??= unbroken(load);
  return loaded;
}

function load(): Koffi {
  try {
    const native = nativeModule();
    if (native !== undefined) {
      const found = libraryRequire()(native) as Koffi;
      if ((found as { version?: unknown }).version === KOFFI_VERSION) return found;
    }
  } catch {
    // koffi itself has the better error message.
  }
  try {
    return libraryRequire()('koffi') as Koffi;
  } catch (cause) {
    const [reason] = String((cause as Error).message).split('\n', 1);
    throw new PlatformError(
      `lockstep: can't share memory, its native module koffi can't be loaded here (${reason}); ${adviceFor(cause as NodeJS.ErrnoException)}`,
      { cause },
    );
  }
}

/**
 * Path of the native module in the package beside koffi's that holds it; `undefined` if there is
 * none.
 */
function nativeModule(): string | undefined {
  const musl = MUSL[process.arch];
  // Where both C libraries may be, koffi finds out which one Node is linked to.
  if (musl === undefined || existsSync(musl)) return undefined;
  for (let at = new URL('.', CODE_FILE); ; at = new URL('..', at)) {
    const folder = new URL('node_modules/koffi/', at);
    if (existsSync(folder)) {
      // A link, where packages lie in a store of the package manager's.
      const beside = `${realpathSync(folder)}/../@koromix/koffi-linux-${process.arch}`;
      const file = `${beside}/linux_${process.arch}/koffi.node`;
      return existsSync(file) ? file : undefined;
    }
    if (at.pathname === '/') return undefined;
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
