/**
 * Under which name a module exports a function. The module may still be running, so it is never
 * imported to find out.
 *
 * Only identity counts. A function's name and text decide nothing, because all functions of one
 * factory share them.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { types } from 'node:util';
import { StateError } from '../errors.ts';
import { libraryRequire } from '../package-root.ts';
import { isArrow, isReassigned } from './captured.ts';
import type { Inspector, RunningModule } from './inspector.ts';
import { withInspector } from './inspector.ts';
import type { FunctionLocation } from './location.ts';

/** A module and a name under which it exports something. */
export interface Export {
  readonly module: string;
  readonly export: string;
}

type Exports = Record<string, unknown>;

/** Name under which the ES module that wrote `fn` exports it; `undefined` if it does not. */
export function exportedByModule(fn: object, location: FunctionLocation): string | undefined {
  const { source, names, isClosure } = location;
  const exports = directExports(source);
  const name = exportedAs(exports, names, source, isClosure);
  if (name !== undefined) return name;
  const start = exports.find((found) => found.name === 'default')?.exportStart;
  if (start === undefined) return undefined;
  const { at, name: local } = defaultExpression(source, start) ?? {};
  if (at === undefined) return undefined;
  if (local === undefined) return isWrittenAt(fn, location, at) ? 'default' : undefined;
  // A variable that only the export uses is out of sight once the module has run. A function that
  // captured nothing has no double that behaves differently, and the child compares its text.
  return local === (fn as { name?: unknown }).name && !isClosure && names.length === 0
    ? 'default'
    : undefined;
}

/**
 * The module and the name under which a module that is just running has `fn`: one that exports it,
 * though another made it, or one that imported it. That is how a wrapped function is found.
 */
export function exportedByCaller(fn: object, { isClosure }: FunctionLocation): Export | undefined {
  return withInspector((inspector) => {
    const objectId = inspector.objectId(fn);
    for (const running of inspector.runningModules(objectId)) {
      const script = inspector.script(({ scriptId }) => scriptId === running.scriptId);
      if (script === undefined) continue;
      const { url, source } = script;
      const { names } = running;
      const name = exportedAs(directExports(source), names, source, isClosure);
      if (name !== undefined) return { module: url, export: name };
      const imported = importedAs(inspector, running, url, source, isClosure);
      if (imported !== undefined) return imported;
    }
    return undefined;
  });
}

/**
 * Name under which the CommonJS module at `url` exports `fn`; `undefined` if it does not, or has
 * not yet.
 */
export function exportedByCommonJs(fn: object, url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  const exports: unknown = libraryRequire().cache[fileURLToPath(url)]?.exports;
  if (exports === fn) return 'default';
  if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function')) return undefined;
  return Object.keys(exports).find((key) => valueUnder(exports, key) === fn);
}

/**
 * The CommonJS module that exports `fn`, though another wrote it. Calls no getters: those of
 * strangers may load modules.
 */
export function exportedByAnyCommonJs(fn: object): Export | undefined {
  for (const [path, module] of Object.entries(libraryRequire().cache)) {
    const exports: unknown = module?.exports;
    if (exports === fn) return { module: pathToFileURL(path).href, export: 'default' };
    // A Proxy could run any code when it is read, and is never a module's own exports object.
    if (exports === null || typeof exports !== 'object' || types.isProxy(exports)) continue;
    for (const key of Object.keys(exports)) {
      if (Object.getOwnPropertyDescriptor(exports, key)?.value === fn)
        return { module: pathToFileURL(path).href, export: key };
    }
  }
  return undefined;
}

/**
 * Name under which a file exports `fn` that a test runner has run in its own way. Vitest wraps a
 * module in a function, Jest runs it in a context of `node:vm`. `undefined` unless the running
 * script and the file both say so.
 */
export function exportedByTransformed(fn: object, location: FunctionLocation): string | undefined {
  const { source, isModule, outerNames } = location;
  const name = isModule ? exportedByModule(fn, location) : exportedByVite(source, outerNames);
  if (name === undefined || !location.url.startsWith('file:')) return undefined;
  let written: string;
  try {
    written = readFileSync(new URL(location.url), 'utf8');
  } catch {
    // No file: the runner made the module up.
    return undefined;
  }
  const exports = directExports(written);
  // Text that the lexer can't read is TypeScript or JSX, and was translated by the runner.
  return exports.length === 0 || exports.some((found) => found.name === name) ? name : undefined;
}

/** Whether a script is a module that Vitest has wrapped in a function. */
export function isVite(source: string): boolean {
  return /\b__vi\w*_(?:ssr_)?(?:exports?|import)\w*__/.test(source);
}

/** Vite has one getter for each export, which names the variable. */
function exportedByVite(source: string, names: readonly string[]): string | undefined {
  const getter =
    /(?:exportName__\(|defineProperty\(\s*__vi\w*export\w*,)\s*"([^"]+)",[^"]*?\breturn\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;
  for (const [, name, local] of source.matchAll(getter)) if (names.includes(local!)) return name;
  return undefined;
}

interface DirectExport {
  readonly name: string;
  readonly localName: string | undefined;
  readonly exportStart: number;
}

function parse(source: string): ReturnType<typeof import('es-module-lexer')['parse']> | undefined {
  try {
    return parseWith('es-module-lexer', source);
  } catch (error) {
    // The lexer can't read this module: the caller's error says what to write instead.
    if (typeof (error as { idx?: unknown }).idx === 'number') return undefined;
  }
  try {
    // WebAssembly is not available (--jitless), or gets no memory (ulimit -v).
    return parseWith('es-module-lexer/js', source);
  } catch (cause) {
    if (typeof (cause as { idx?: unknown }).idx === 'number') return undefined;
    throw new StateError(
      `lockstep: can't load its dependency es-module-lexer, by which it finds out what a module exports (${firstLine(cause)}); ` +
        'install the dependencies again and restart the program, and keep lockstep out of bundles',
      { cause },
    );
  }
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0] ?? '';
}

function parseWith(lexer: string, source: string): ReturnType<typeof import('es-module-lexer')['parse']> {
  return (libraryRequire()(lexer) as typeof import('es-module-lexer')).parse(source);
}

function directExports(source: string): DirectExport[] {
  const exports = parse(source)?.[1] ?? [];
  return exports.filter((found) => found.type === 'direct' && !found.typeOnly) as DirectExport[];
}

/**
 * The export of a variable that is among `names`. Functions of a factory don't count, nor a
 * variable that gets several of them one after another: in the child it may hold another one.
 */
function exportedAs(
  exports: readonly DirectExport[],
  names: readonly string[],
  source: string,
  isClosure: boolean,
): string | undefined {
  const holds = (local: string | undefined): boolean =>
    local !== undefined && names.includes(local) && !(isClosure && isReassigned(local, source, 'assigned'));
  return exports.find(
    ({ name, localName, exportStart }) =>
      holds(localName) || (name === 'default' && holds(defaultExpression(source, exportStart)?.name)),
  )?.name;
}

/** The module from which a running one has imported the function, by a relative path. */
function importedAs(
  inspector: Inspector,
  running: RunningModule,
  url: string,
  source: string,
  isClosure: boolean,
): Export | undefined {
  for (const found of parse(source)?.[0] ?? []) {
    if (found.type !== 'static' || !/^(?:\.\.?\/|file:|data:)/.test(found.specifier)) continue;
    const name = importedName(source.slice(found.importStart, found.start), running);
    if (name === undefined) continue;
    const module = new URL(found.specifier, url).href;
    // A loader may have led the path elsewhere.
    const script = inspector.script((each) => each.url === module && each.isModule === true);
    if (script === undefined) continue;
    const local = directExports(script.source).find((each) => each.name === name)?.localName;
    if (isClosure && local !== undefined && isReassigned(local, script.source, 'assigned')) continue;
    return { module, export: name };
  }
  return undefined;
}

/**
 * The name under which the imported module exports the function, by what
 * `import a, { b as c } from` says.
 */
function importedName(clause: string, { names, namespaces }: RunningModule): string | undefined {
  const text = clause.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, ' ');
  const namespace = /\*\s*as\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/u.exec(text)?.[1];
  if (namespace !== undefined) {
    const found = namespaces.get(namespace);
    if (found !== undefined) return found;
  }
  const first = /^import\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(?:,|from\b)/u.exec(text)?.[1];
  if (first !== undefined && names.includes(first)) return 'default';
  for (const each of /\{([^}]*)\}/.exec(text)?.[1]?.split(',') ?? []) {
    const [imported = '', local = imported] = each.trim().split(/\s+as\s+/);
    if (names.includes(local)) return imported.replace(/^(["'])(.*)\1$/, '$2');
  }
  return undefined;
}

/** Whether the expression at `at` is the function itself. */
function isWrittenAt(fn: object, { source, offset }: FunctionLocation, at: number): boolean {
  const text = Function.prototype.toString.call(fn);
  if (offset < at || offset >= at + text.length || !source.startsWith(text, at)) return false;
  // `x => x => x` begins with the text of the function that it returns.
  return !isArrow(text) || /^(?:async\b\s*)?$/.test(source.slice(at, offset));
}

/**
 * Where the expression of `export default` begins, and the name that it consists of, if it is one.
 */
function defaultExpression(
  source: string,
  start: number,
): { at: number; name: string | undefined } | undefined {
  const rest = source.slice(start);
  const head = /^export\s+default(?:\s|\/\*[\s\S]*?\*\/)*/.exec(rest)?.[0];
  if (head === undefined) return undefined;
  const name = /^[\p{ID_Start}$_][\p{ID_Continue}$]*(?=\s*(?:;|\n|$))/u.exec(rest.slice(head.length))?.[0];
  return { at: start + head.length, name };
}

function valueUnder(exports: object, key: string): unknown {
  try {
    return (exports as Exports)[key];
  } catch {
    // A getter that throws exports nothing.
    return undefined;
  }
}
