/**
 * Chunk: how a bundle's files get at the code that all of them share. Only the bundles use this
 * file (scripts/bundle): unbundled, every module simply imports the others.
 *
 * The chunk is a CommonJS file with a function that returns its names. `index.js` and the entries
 * of children call `loadChunk`, which runs that function once in each thread, whichever of them is
 * loaded first: the result lies under a symbol that has the file's URL in it.
 *
 * It is compiled as a script, because V8 makes no code cache of an ES module. The cache is V8's
 * bytecode of the functions that have run. A thread that starts children makes it
 * (workers/code.ts), and they get it in a `CodeCache`: threads in memory that all share, processes
 * in a file. V8 checks it against its own version and options and against the length of the code;
 * one that does not fit is compiled as without it. Two codes of the same length can't be confused:
 * the file's name has a hash of its code, and the cache has the name.
 *
 *   word  name    meaning                                    written by
 *   +0    LENGTH  bytes of the cache, 0: it is not whole yet  the thread that made it
 *   +8    the cache
 *
 * The writer may end before it has set LENGTH. Then its readers find no length, and compile without
 * a cache.
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

/** V8's code cache of a chunk. */
export interface CodeCache {
  /** URL of the chunk. */
  readonly url: string;
  readonly words: Int32Array;
}

/** Byte at which the cache itself begins. */
const DATA = 8;
/** Beside the option by which a child gets its job: where the file with its code cache is. */
const CODE_FILE = /^--lockstep-job=\d+:(\d+)$/;

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
    const cachedData = cache?.url === url ? dataOf(cache.words) : undefined;
    const { Script } = process.getBuiltinModule('node:vm');
    const script = new Script(text, { filename: url, ...(cachedData && { cachedData }) });
    const found = run((script.runInThisContext() as (module: object) => Chunk)({}));
    const isUsed = cachedData !== undefined && script.cachedDataRejected === false;
    (found.$keepCode as typeof keepCode)(url, script, isUsed ? cache : undefined);
    return found;
  }
}

/** The code cache of a child process; `undefined` if it was given none. */
export function readCodeFile(url: string): CodeCache | undefined {
  const { closeSync, fstatSync, readSync } = process.getBuiltinModule('node:fs');
  const [, file] = CODE_FILE.exec(process.argv[2] ?? '') ?? [];
  if (file === undefined) return undefined;
  const fd = Number(file);
  try {
    const words = new Int32Array(Math.floor(fstatSync(fd).size / 4));
    readSync(fd, words, 0, words.byteLength, 0);
    const data = dataOf(words);
    const key =
      data &&
      Buffer.from(words.buffer)
        .toString('latin1', DATA + data.length)
        .trim();
    return key === keyOf(url) ? { url, words } : undefined;
  } catch {
    // The file can't be read: compile without a cache.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** The content of such a file, but for its first word, which is to be written last. */
export function codeFileOf(data: Uint8Array): { content: Uint8Array; length: Int32Array } | undefined {
  if (code === undefined) return undefined;
  const key = Buffer.from(keyOf(code.url), 'latin1');
  // The key ends with spaces, so that the file has whole words.
  const content = new Uint8Array(Math.ceil((DATA + data.length + key.length) / 4) * 4).fill(SPACE);
  content.fill(0, 0, DATA);
  content.set(data, DATA);
  content.set(key, DATA + data.length);
  return { content, length: Int32Array.of(data.length) };
}

const SPACE = 32;

/** A file's cache is for the same executable only: V8's version does not tell how it was built. */
function keyOf(url: string): string {
  return `${url} ${encodeURI(process.execPath)}`;
}

function dataOf(words: Int32Array): Uint8Array | undefined {
  // OBSERVE code cache -> its length
  const length = words.length === 0 ? 0 : Atomics.load(words, 0);
  if (length <= 0 || DATA + length > words.byteLength) return undefined;
  return new Uint8Array(words.buffer, words.byteOffset + DATA, length);
}

let code: { readonly url: string; readonly script: Script; given: CodeCache | undefined } | undefined;

/** Notes what the running chunk was compiled from. */
export function keepCode(url: string, script: Script, given: CodeCache | undefined): void {
  code = { url, script, given };
}

/** URL of the running chunk; `undefined`: it is none from which a cache can be made. */
export function chunkUrl(): string | undefined {
  return code?.url;
}

/** The cache that this thread was given, in memory that it can hand on. */
export function givenCode(): CodeCache | undefined {
  return code?.given?.words.buffer instanceof SharedArrayBuffer ? code.given : undefined;
}

/** Makes a cache of the functions that have run: that takes a third of what it saves one child. */
export function makeCode(): Uint8Array | undefined {
  return code?.script.createCachedData();
}

/** Puts the cache into memory that children look into. Does nothing if it does not fit. */
export function publishCode({ words }: CodeCache, data: Uint8Array): void {
  if (DATA + data.length > words.byteLength) return;
  new Uint8Array(words.buffer, words.byteOffset + DATA).set(data);
  // PUBLISH code cache -> its length
  Atomics.store(words, 0, data.length);
}
