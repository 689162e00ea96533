/**
 * Package root: where the library's own code lies. The only file that computes from
 * `import.meta.url`, as a bundle moves every module to another place. This file must end up in the
 * root of the code, beside the folder `entry/`.
 */

declare const __filename: string;

/**
 * URL of the file that this module is in. In a program that was bundled as CommonJS there is no
 * `import.meta.url`.
 */
export const CODE_FILE: string =
  (import.meta.url as string | undefined) ??
  process.getBuiltinModule('node:url').pathToFileURL(__filename).href;

/** URL of the folder that all code of the library lies in, with a slash at its end. */
export const CODE_ROOT: string = new URL('.', CODE_FILE).href;

let ownRequire: NodeJS.Require | undefined;

/** The module that a child runs first. */
export function entryPoint(kind: 'process' | 'thread' | 'pool-worker' | 'rehearsed'): URL {
  return new URL(`./entry/${kind}.js`, CODE_ROOT);
}

/** `require`, as seen from the library's own code. */
export function libraryRequire(): NodeJS.Require {
  ownRequire ??= process.getBuiltinModule('node:module').createRequire(CODE_FILE);
  return ownRequire;
}
