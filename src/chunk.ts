/**
 * Chunk: how a bundle's files get at the code that all of them share. Only the bundles use this
 * file (scripts/bundle): unbundled, every module simply imports the others.
 *
 * The chunk is a CommonJS file with a function that returns its names. `index.js` and the entries
 * of children call `loadChunk`, which runs that function once in each thread, whichever of them is
 * loaded first: the result lies under a symbol that has the file's URL in it.
 *
 * It is compiled as a script, because V8 makes no code cache of an ES module. The cache is V8's
 * bytecode of the functions that have run. The thread that starts the second thread makes it, and
 * each thread gets it in memory that all share. V8 checks it against its own version and options
 * and against the length of the code; one that does not fit is compiled as without it. Two codes of
 * the same length can't be confused: the file's name has a hash of its code, and the cache has the
 * name.
 */

import type { Script } from 'node:vm';

type Names = Readonly<Record<string, unknown>>;

/** The parts of the loading file that the chunk needs. */
interface Links {
  /** URL of the chunk. */
  readonly url: string;
  readonly import: (url: string) => Promise<unknown>;
}

type Chunk = (links: Links) => Names;

/** V8's code cache of a chunk, in shared memory. */
export interface CodeCache {
  /** URL of the chunk. */
  readonly url: string;
  readonly data: Uint8Array;
}

/** The chunk's names. Runs it if it has not run in this thread. */
export function loadChunk(links: Links, cache?: CodeCache): Names {
  const { url } = links;
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const modules = process.getBuiltinModule('node:module');
  if (!(modules instanceof Function)) {
    // A test runner gives its tests globals of their own. The chunk must have them, too.
    const text = readFileSync(new URL(url), 'utf8');
    return run(new Function('module', `${text}\nreturn module.exports;`)({}) as Chunk);
  }
  const key = Symbol.for(`lockstep ${url}`);
  const known = Reflect.get(modules, key) as Names | undefined;
  if (known !== undefined) return known;
  const names = process.sourceMapsEnabled ? required() : compiled();
  Object.defineProperty(modules, key, { value: names });
  return names;

  function run(chunk: Chunk): Names {
    return chunk(links);
  }

  /** Node looks for the source maps of its own modules only. */
  function required(): Names {
    const path = process.getBuiltinModule('node:url').fileURLToPath(url);
    return run(modules.createRequire(url)(path) as Chunk);
  }

  function compiled(): Names {
    // Parentheses: V8 compiles what is in them at once, and does not read it twice.
    const text = `(function(module){${readFileSync(new URL(url), 'utf8')}\nreturn module.exports})`;
    const cachedData = cache?.url === url ? cache.data : undefined;
    const { Script } = process.getBuiltinModule('node:vm');
    const script = new Script(text, { filename: url, ...(cachedData && { cachedData }) });
    const found = run((script.runInThisContext() as (module: object) => Chunk)({}));
    const isUsed = cachedData !== undefined && script.cachedDataRejected === false;
    (found.$keepCode as typeof keepCode)(url, script, isUsed ? cache : undefined);
    return found;
  }
}

let code: { readonly url: string; readonly script: Script; cache: CodeCache | undefined } | undefined;
let threadsStarted = 0;

/** Notes what the running chunk was compiled from. */
export function keepCode(url: string, script: Script, cache: CodeCache | undefined): void {
  code = { url, script, cache };
}

/**
 * The cache for a thread that is started now; `undefined` if there is none. Made for the second
 * thread, as it takes a third of the time that one saves by it.
 */
export function codeForThread(): CodeCache | undefined {
  threadsStarted++;
  if (code === undefined) return undefined;
  if (code.cache === undefined && threadsStarted > 1) {
    const made = code.script.createCachedData();
    const data = new Uint8Array(new SharedArrayBuffer(made.length));
    data.set(made);
    code.cache = { url: code.url, data };
  }
  return code.cache;
}
