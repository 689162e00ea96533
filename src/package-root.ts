/**
 * Package root: where the library's own code lies. The only file that computes from `import.meta.url`, as a bundle moves every
 * module to another place: this file must end up in the root of the code, beside the folder `entry/`.
 */

/** URL of the folder that all code of the library lies in, with a slash at its end. */
export const CODE_ROOT: string = new URL('.', import.meta.url).href;

let ownRequire: NodeJS.Require | undefined;

/** Path of the folder that all code of the library lies in, with a slash at its end. */
export function codeFolder(): string {
  return process.getBuiltinModule('node:url').fileURLToPath(CODE_ROOT);
}

/** What a child runs first. */
export function entryPoint(kind: 'process' | 'thread'): URL {
  return new URL(`./entry/${kind}.js`, CODE_ROOT);
}

/** `require`, as seen from the library's own code. */
export function requireHere(id: string): unknown {
  ownRequire ??= process.getBuiltinModule('node:module').createRequire(import.meta.url);
  return ownRequire(id);
}

/** The modules that `require` has loaded in this thread, by path. */
export function requireCache(): NodeJS.Dict<NodeJS.Module> {
  ownRequire ??= process.getBuiltinModule('node:module').createRequire(import.meta.url);
  return ownRequire.cache;
}
