/** Here: where this copy of Lockstep is. In a bundle, where the bundle is; in one of CommonJS there is no `import.meta.url`. */

import { pathToFileURL } from 'node:url';

declare const __filename: string;

/** A module of this copy: what it requires is looked for from here. */
export const here: string = (import.meta.url as string | undefined) ?? pathToFileURL(__filename).href;

/** The folder of this copy's modules. */
export const home: URL = new URL('..', here);
