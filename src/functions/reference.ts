/** Function reference: a function as the module and the export by which another process or thread finds it again. */

import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { InvalidTypeError, TargetError } from '../errors.ts';
import { codeFolder, requireHere } from '../package-root.ts';
import type { FunctionLocation } from './location.ts';
import { locateFunction, moduleSource } from './location.ts';
import {
  exportedByCommonJs,
  exportedByModule,
  exportedByName,
  exportsNameAsDefault,
} from './module-exports.ts';

/** How a function is found again. Plain data: it can be sent anywhere. */
export interface FunctionReference {
  /** URL to import. */
  readonly module: string;
  /** Name of the export; `default` for the default export. */
  readonly export: string;
  /** Digest of the function's text, where it was found by its name only: the finder checks it. */
  readonly digest?: string;
}

const known = new WeakMap<object, FunctionReference>();

/**
 * Finds the module and the export of `fn`, at once and without importing anything. About 15 ms for the first function
 * of a program, 3 ms for each other, nothing for one that was looked up before.
 *
 * @param what begins the error's message, e.g. `Process "Process-1": target`.
 * @throws {TargetError} when no module exports the function; the message says which module and what to write.
 */
export function referenceTo(fn: unknown, what: string): FunctionReference {
  if (typeof fn !== 'function') {
    throw new InvalidTypeError(
      `${what} refused, ${inspect(fn)} is not a function; pass a function that its module exports`,
    );
  }
  const reference = known.get(fn) ?? find(fn as NamedFunction, what);
  known.set(fn, reference);
  return reference;
}

/**
 * Imports the module of a reference and gives its export.
 *
 * @throws {TargetError} when the module can't be imported (the reason is the cause), or does not export a function so.
 */
export async function resolveReference(reference: FunctionReference): Promise<NamedFunction> {
  let namespace: Record<string, unknown>;
  try {
    namespace = (await import(reference.module)) as Record<string, unknown>;
  } catch (cause) {
    throw notImported(reference, cause);
  }
  return pick(reference, namespace);
}

/** The same at once, where the event loop can't run: not for a module that awaits at its top level. */
export function resolveReferenceNow(reference: FunctionReference): NamedFunction {
  const { module } = reference;
  let namespace: Record<string, unknown>;
  try {
    namespace = requireHere(module.startsWith('file:') ? fileURLToPath(module) : module) as Record<
      string,
      unknown
    >;
  } catch (cause) {
    throw notImported(reference, cause);
  }
  return pick(reference, namespace);
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
function pick(reference: FunctionReference, namespace: Record<string, unknown>): NamedFunction {
  const { export: name, digest } = reference;
  const title = titleOf(reference);
  // A CommonJS module's exports may be visible only through its default export.
  const inner = namespace.default as Record<string, unknown> | undefined;
  const fn = [namespace[name], inner?.[name]].find((found) => typeof found === 'function') as
    | NamedFunction
    | undefined;
  if (fn === undefined) {
    throw new TargetError(
      `${title} not found, the module has no function under that name (it has ${Object.keys(namespace).join(', ') || 'none'}); ` +
        'export it on every import, not only under a condition',
    );
  }
  if (digest !== undefined && digest !== digestOf(fn)) {
    throw new TargetError(
      `${title} refused, it is another function than the one that was passed; pass { module: import.meta.url, export: "…" } as the target`,
    );
  }
  return fn;
}

/** URL or path of the module that called into Lockstep; `undefined` when it can't be told. */
export function callerModule(): string | undefined {
  const prepare = Error.prepareStackTrace;
  try {
    Error.prepareStackTrace = (_, sites) => sites;
    const sites = new Error().stack as unknown as NodeJS.CallSite[];
    const files = sites.map((site) => site.getFileName() ?? '');
    return files.find((file) => /^(file:|\/)/.test(file) && !toPath(file).startsWith(codeFolder()));
  } finally {
    Error.prepareStackTrace = prepare;
  }
}

type NamedFunction = (...args: unknown[]) => unknown;

function find(fn: NamedFunction, what: string): FunctionReference {
  const location = locateFunction(fn);
  if (location === undefined) {
    throw new TargetError(
      `${what} refused, "${fn.name}" is a bound function or one of Node's own, which have no module; ` +
        'export a function that calls it, and pass that',
    );
  }
  const { url, isModule, source } = location;
  const isFile = /^(file|data|https?):/.test(url) && !/\[(eval\d*|stdin)\](-wrapper)?$/.test(url);
  if (isFile) {
    const name = isModule ? exportedByModule(fn, location) : exportedByCommonJs(fn, url);
    if (name !== undefined) return { module: url, export: name };
    if (isModule && exportsNameAsDefault(fn.name, source)) {
      return { module: url, export: 'default', digest: digestOf(fn) };
    }
  }
  const byCaller = findByCaller(fn, location);
  if (byCaller !== undefined) return byCaller;
  throw new TargetError(`${what} refused, ${isFile ? notExported(fn, location) : notInFile(fn, url)}`);
}

/** A function made by another module's code (a wrapper) may be exported by the calling module under its own name. */
function findByCaller(fn: NamedFunction, { url }: FunctionLocation): FunctionReference | undefined {
  const caller = callerModule();
  if (caller === undefined || caller === url || fn.name === '') return undefined;
  const source = moduleSource(caller);
  const name = source === undefined ? undefined : exportedByName(fn.name, source);
  return name === undefined ? undefined : { module: caller, export: name, digest: digestOf(fn) };
}

function notExported(fn: NamedFunction, { url, isModule, line }: FunctionLocation): string {
  const { name } = fn;
  const title = name === '' ? `the function at ${url}:${line}` : `"${name}" (${url}:${line})`;
  if (!isModule) {
    const key = name === '' ? 'work' : name;
    return `${title} is not in its module's exports; write "module.exports.${key} = …" above the call of start()`;
  }
  return (
    `${title} is not exported by its module, so a child can't find it; write "export" in front of it at the module's top level, ` +
    'or, if another module exports it, pass { module: import.meta.url, export: "…" } as the target'
  );
}

function notInFile(fn: NamedFunction, url: string): string {
  return `"${fn.name}" was evaluated (${url || 'from a string'}) and is in no file; put it into a module, export it and import it here`;
}

/** Digest of a function's text. Against mistakes, not against malice: no cryptography is needed. */
function digestOf(fn: NamedFunction): string {
  const text = Function.prototype.toString.call(fn);
  let digest = text.length;
  for (let n = 0; n < text.length; n++) digest = (Math.imul(digest, 31) + text.charCodeAt(n)) | 0;
  return `${text.length.toString(36)}.${(digest >>> 0).toString(36)}`;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
}

function adviceFor(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException | null)?.code === 'ERR_UNKNOWN_FILE_EXTENSION') {
    return 'a loader such as tsx does not reach the threads of this Node: use a Process, Node 22.18 or later, or compiled JavaScript';
  }
  return 'see its cause';
}

function toPath(file: string): string {
  return file.startsWith('file:') ? fileURLToPath(file) : file;
}
