/**
 * Function reference: a function as the module and the export by which another process or thread
 * finds it again.
 *
 * Here the export must be the very function that was passed: module-exports.ts. There it must have
 * the same text, and what came out of a factory must have captured the same: a module may export
 * something else there, under a condition.
 */

import { fileURLToPath } from 'node:url';
import { inspect, types } from 'node:util';
import { InvalidTypeError, TargetError } from '../errors.ts';
import { libraryRequire } from '../package-root.ts';
import { digestOf } from './captured.ts';
import type { FunctionLocation } from './location.ts';
import { locateFunction } from './location.ts';
import {
  exportedByAnyCommonJs,
  exportedByCaller,
  exportedByCommonJs,
  exportedByModule,
  exportedByTransformed,
  isVite,
} from './module-exports.ts';

/**
 * How a function is found again. Plain data: it can be sent anywhere. Only `module` and `export`
 * are needed.
 */
export interface FunctionReference {
  /** URL to import. */
  readonly module: string;
  /** Name of the export; `default` for the default export. */
  readonly export: string;
  /**
   * Whether the module was loaded as CommonJS: it is required there, too, as a hook of `require()`
   * may translate it.
   */
  readonly required?: true;
  /** Digest of the function's text: the finder checks it. */
  readonly digest?: string;
  /** Variables that the function captured, see captured.ts: the finder checks it. */
  readonly captured?: Readonly<Record<string, string>>;
}

/**
 * Imported modules, by URL: a module that awaits at its top level can't be required, also when it
 * is loaded already.
 */
const imported = new Map<string, Namespace>();
const known = new WeakMap<object, FunctionReference>();

/**
 * Finds the module and the export of `fn`, at once and without importing anything. About 15 ms for
 * the first function of a program, 3 ms for each other, nothing for one that was looked up before.
 *
 * @param what begins the error's message, e.g. `Process "Process-1": target`.
 * @throws {TargetError} when no module exports the function; the message says which module and what
 * to write.
 */
export function referenceTo(fn: unknown, what: string): FunctionReference {
  if (typeof fn !== 'function') {
    throw new InvalidTypeError(
      `${what} refused, ${inspect(fn)} is not a function; pass a function that its module exports`,
    );
  }
  const reference = known.get(fn) ?? findInspected(fn as NamedFunction, what);
  known.set(fn, reference);
  return reference;
}

/**
 * Imports the module of a reference and gives its export.
 *
 * @throws {TargetError} when the module can't be imported (the reason is the cause), or does not
 * export a function so.
 */
export async function resolveReference(reference: FunctionReference): Promise<NamedFunction> {
  let namespace: Namespace;
  try {
    namespace =
      reference.required === true
        ? requireModule(reference.module)
        : ((await import(reference.module)) as Namespace);
  } catch (cause) {
    const required = reference.required === true ? undefined : requireTranslated(reference, cause);
    if (required === undefined) throw notImported(reference, cause);
    namespace = required;
  }
  imported.set(reference.module, namespace);
  return pick(reference, namespace);
}

/**
 * The same at once, where the event loop can't run: not for a module that awaits at its top level,
 * unless it was imported so before.
 */
export function resolveReferenceNow(reference: FunctionReference): NamedFunction {
  const loaded = imported.get(reference.module);
  if (loaded !== undefined) return pick(reference, loaded);
  let namespace: Namespace;
  try {
    namespace = requireModule(reference.module);
  } catch (cause) {
    throw notImported(reference, cause);
  }
  return pick(reference, namespace);
}

type Namespace = Readonly<Record<string, unknown>>;

function requireModule(module: string): Namespace {
  const path = module.startsWith('file:') ? fileURLToPath(module) : module;
  const [extension] = /\.[cm]?tsx?$/.exec(path) ?? [];
  if (extension !== undefined && libraryRequire().extensions[extension] === undefined) {
    // Node would take it for JavaScript.
    throw Object.assign(new Error(`Unknown file extension "${extension}" for ${path}`), {
      code: UNKNOWN_EXTENSION,
    });
  }
  const exports: unknown = libraryRequire()(path);
  return typeof exports === 'object' && exports !== null ? (exports as Namespace) : { default: exports };
}

const UNKNOWN_EXTENSION = 'ERR_UNKNOWN_FILE_EXTENSION';

/** A module in a language that `import()` does not know, but a hook of `require()` does. */
function requireTranslated({ module }: FunctionReference, cause: unknown): Namespace | undefined {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code !== UNKNOWN_EXTENSION && code !== 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') return undefined;
  try {
    return requireModule(module);
  } catch {
    // Its own error tells less than that of import().
    return undefined;
  }
}

function titleOf({ module, export: name }: FunctionReference): string {
  return `target "${name}" of ${module}:`;
}

function notImported(reference: FunctionReference, cause: unknown): TargetError {
  return new TargetError(`${titleOf(reference)} can't be imported, ${reasonOf(cause)}; ${adviceFor(cause)}`, {
    cause,
  });
}

/** The function among the exports. */
function pick(reference: FunctionReference, namespace: Namespace): NamedFunction {
  const { export: name, digest, captured } = reference;
  const title = titleOf(reference);
  // A CommonJS module's exports may be visible only through its default export.
  const inner = namespace.default as Namespace | undefined;
  const fn = [namespace[name], inner?.[name]].find((found) => typeof found === 'function') as
    | NamedFunction
    | undefined;
  if (fn === undefined) {
    throw new TargetError(
      `${title} not found, the module has no function under that name (it has ${Object.keys(namespace).join(', ') || 'none'}); ` +
        'export it on every import, not only under a condition',
    );
  }
  if (digest !== undefined && digest !== digestOf(Function.prototype.toString.call(fn))) {
    throw another(title, 'its text differs');
  }
  if (captured !== undefined) {
    const here = locateFunction(fn)?.captured ?? {};
    const differs = [...Object.keys(captured), ...Object.keys(here)].find(
      (name) => captured[name] !== here[name],
    );
    if (differs !== undefined) throw another(title, `it captured another value of "${differs}"`);
  }
  return fn;
}

function another(title: string, why: string): TargetError {
  return new TargetError(
    `${title} refused, here it is another function than the one that was passed (${why}); ` +
      'export the same function on every import, or pass { module, export } as the target, which takes the one that is there',
  );
}

type NamedFunction = (...args: unknown[]) => unknown;

/** How much of a `data:` URL is shown. */
const LONGEST_URL = 60;
const IN_BUNDLE =
  'if that file is a bundle, which does not export what its sources do, its entry has to export it, too, before start() is called';
const SAY_IT = 'pass { module, export } as the target';

function findInspected(fn: NamedFunction, what: string): FunctionReference {
  try {
    return find(fn, what);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_INSPECTOR_COMMAND') throw cause;
    throw new TargetError(
      `${what} refused, where it comes from can't be seen, ${reasonOf(cause)}; ${SAY_IT}`,
      { cause },
    );
  }
}

function find(fn: NamedFunction, what: string): FunctionReference {
  if (types.isProxy(fn)) {
    throw new TargetError(
      `${what} refused, it is a Proxy, behind which no module can be seen; export a function that calls it, or ${SAY_IT}`,
    );
  }
  const location = locateFunction(fn);
  if (location === undefined) throw new TargetError(`${what} refused, ${withoutLocation(fn)}`);
  const { url, isModule } = location;
  const isFile = /^(file|data|https?):/.test(url) && !/\[(eval\d*|stdin)\](-wrapper)?$/.test(url);
  const runner = isFile ? runnerOf(location) : undefined;
  if (runner !== undefined) {
    const name = exportedByTransformed(fn, location);
    // The runner has changed the text.
    if (name !== undefined) return { module: url, export: name };
    throw new TargetError(`${what} refused, ${notExportedUnder(runner, fn, location)}`);
  }
  if (isFile) {
    const name = isModule ? exportedByModule(fn, location) : exportedByCommonJs(fn, url);
    if (name !== undefined) return certified({ module: url, export: name }, fn, location, !isModule);
  }
  const required = exportedByAnyCommonJs(fn);
  if (required !== undefined) return certified(required, fn, location, true);
  const byCaller = exportedByCaller(fn, location);
  if (byCaller !== undefined) return certified(byCaller, fn, location, false);
  throw new TargetError(`${what} refused, ${isFile ? notExported(fn, location) : notInFile(fn, url)}`);
}

/** A reference with all that the finder can check. */
function certified(
  found: { module: string; export: string },
  fn: NamedFunction,
  { captured, isClosure, names, isModule }: FunctionLocation,
  required: boolean,
): FunctionReference {
  const unseen = isModule && names.length === 0;
  return {
    ...found,
    ...(required ? { required } : {}),
    digest: digestOf(Function.prototype.toString.call(fn)),
    ...(isClosure || unseen ? { captured } : {}),
  };
}

/** The test runner that runs the function's module in its own way, if one does. */
function runnerOf({ isModule, isForeign, source }: FunctionLocation): string | undefined {
  if (!isModule && isVite(source)) return 'Vitest';
  if (!isForeign) return undefined;
  return process.env.JEST_WORKER_ID === undefined ? 'a context of node:vm' : 'Jest';
}

function withoutLocation(fn: NamedFunction): string {
  const kind = fn.name.startsWith('bound ')
    ? 'a bound function'
    : "one of Node's own functions (or this Node was built without inspector)";
  return `"${fn.name}" is ${kind} and has no module; export a function that calls it, and pass that, or ${SAY_IT}`;
}

function titleOfFunction({ name }: NamedFunction, { url, line }: FunctionLocation): string {
  const place = `${url.startsWith('data:') ? `${url.slice(0, LONGEST_URL)}…` : url}:${line}`;
  return name === '' ? `the function at ${place}` : `"${name}" (${place})`;
}

function notExported(fn: NamedFunction, location: FunctionLocation): string {
  const { isModule, isClosure } = location;
  const title = titleOfFunction(fn, location);
  if (!isModule) {
    const key = fn.name === '' ? 'work' : fn.name;
    return (
      `${title} is not in its module's exports; write "module.exports.${key} = …" above the call of start(), ` +
      `or ${SAY_IT}; ${IN_BUNDLE}`
    );
  }
  if (isClosure) {
    return (
      `${title} is not exported as this very function by any module that could be asked: another function made it, and a child might find another function of the same maker; ` +
      'if a module exports it, pass { module: import.meta.url, export: "…" } of that module as the target; if not, export a function that makes it and calls it; ' +
      IN_BUNDLE
    );
  }
  return (
    `${title} is not exported by its module, so a child can't find it; write "export" in front of it at the module's top level, ` +
    `or, if another module exports it, pass { module: import.meta.url, export: "…" } of that module as the target; ${IN_BUNDLE}`
  );
}

function notExportedUnder(runner: string, fn: NamedFunction, location: FunctionLocation): string {
  return (
    `${titleOfFunction(fn, location)} runs under ${runner}, and its file does not export this very function, so a child, which runs under plain Node, can't find it; ` +
    `write the function into a module of its own that exports it, or ${SAY_IT}`
  );
}

function notInFile(fn: NamedFunction, url: string): string {
  return `"${fn.name}" was evaluated (${url || 'from a string'}) and is in no file; put it into a module, export it and import it here`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
}

function adviceFor(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException | null)?.code;
  if (code === UNKNOWN_EXTENSION || code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX') {
    return (
      'this child has no loader for it: name the loader in the options of Node itself, which children inherit ' +
      '(node --import tsx, node -r ts-node/register, or NODE_OPTIONS); or use Node 22.18 or later, or compiled JavaScript'
    );
  }
  return 'see its cause';
}
