/** The arguments of `Process.warm`: checked, and then kept by spares.ts. */

import { inspect } from 'node:util';
import { InvalidTypeError, OutOfRangeError, StateError } from '../../errors.ts';
import { checkOptions } from '../../options.ts';
import { identity } from '../identity.ts';
import { checkOrigin } from '../origin.ts';
import { checkPlace } from '../place.ts';
import { moduleUrl } from '../target.ts';
import { keepShared } from './spares.ts';

/** Options of `Process.warm`. */
export interface WarmOptions {
  /**
   * Modules that each spare imports before it waits, as URLs or absolute paths;
   * `import.meta.resolve` finds a package's.
   */
  readonly preload?: readonly (string | URL)[] | undefined;
}

const TITLE = 'Process.warm';
/** As many agents as a namespace has beside this one. */
const MOST = 254;

export async function warm(count: number, options: WarmOptions = {}): Promise<number> {
  if (typeof count !== 'number') {
    throw new InvalidTypeError(
      `${TITLE}: refused, ${inspect(count)} is not a number of processes; pass e.g. 2`,
    );
  }
  if (!Number.isInteger(count) || count < 0 || count > MOST) {
    throw new OutOfRangeError(
      `${TITLE}: refused, ${count} spare processes; pass a whole number from 0 to ${MOST}`,
    );
  }
  checkOptions(TITLE, options, 'warm', '{ preload: [import.meta.resolve("./jobs.js")] }');
  const preload = urlsOf(options.preload);
  checkOrigin(TITLE);
  const { name, daemon } = identity().process;
  if (daemon) {
    throw new StateError(
      `${TITLE}: refused, ${name} is a daemon and those may not have children; call it in the process that starts them`,
    );
  }
  checkPlace('Process', TITLE, false);
  return keepShared(count, preload, TITLE).ready();
}

function urlsOf(preload: unknown): string[] {
  if (preload === undefined) return [];
  if (!Array.isArray(preload)) {
    throw new InvalidTypeError(
      `${TITLE}: refused, preload is ${inspect(preload, { depth: 0 })}; pass an array of URLs or absolute paths`,
    );
  }
  return preload.map((each: unknown) => {
    if (typeof each === 'string' || each instanceof URL) return moduleUrl(each, `${TITLE}: preload`);
    throw new InvalidTypeError(
      `${TITLE}: refused, ${inspect(each, { depth: 0 })} in preload is not a module; pass a URL or an absolute path`,
    );
  });
}
