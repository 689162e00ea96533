/** node:v8, loaded by the first value that needs it: that takes a millisecond. */

let loaded: typeof import('node:v8') | undefined;

export function v8(): typeof import('node:v8') {
  loaded ??= process.getBuiltinModule('node:v8');
  return loaded;
}
