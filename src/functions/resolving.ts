/**
 * Resolving: finds a function again by the module and the export that reference.ts has found for
 * it, in another process or thread.
 *
 * It must have the same text there, and a function of a factory the same captured values. A module
 * may export another function there, under a condition.
 */

import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TargetError } from '../errors.ts';
import { libraryRequire } from '../package-root.ts';
import { digestOf } from './digest.ts';
import { locateFunction } from './location.ts';

/**
 * The facts by which a function is found again. Plain data: it can be sent anywhere. Only `module`
 * and `export` are required.
 */
export interface FunctionReference {
  /** URL to import. */
  readonly module: string;
  /** Name of the export; `default` for the default export. */
  readonly export: string;
  /**
   * Whether the module was loaded as CommonJS: it is then required there, too, because a hook of
   * `require()` may translate it.
   */
  readonly required?: true;
  /** Digest of the function's text: the finder checks it. */
  readonly digest?: string;
  /** Variables that the function captured, see captured.ts: the finder checks it. */
  readonly captured?: Readonly<Record<string, string>>;
}

/** Whether the URL stands for code that was given to Node as text: `-e`, or standard input. */
export function isEvaluated(url: string): boolean {
  return /(\[|%5B)(eval\d*|stdin)(\]|%5D)(-wrapper)?$/i.test(url);
}

export type NamedFunction = (...args: unknown[]) => unknown;

/**
 * Imported modules, by URL: a module that awaits at its top level can't be required, also when it
 * is loaded already.
 */
const imported = new Map<string, Namespace>();

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
 * The same synchronously, where the event loop can't run. Throws for a module that awaits at its
 * top level, unless it has already been imported.
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
    // Its error is less helpful than that of import().
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

/** The first line of what went wrong. */
export function reasonOf(cause: unknown): string {
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
  if (isShort(code) || !hasDescriptor()) {
    return (
      'the program had too few descriptors to load it, which Node may report as a package that is missing: ' +
      'raise the limit of open files (ulimit -n), or start fewer processes and threads at a time'
    );
  }
  return 'see its cause';
}

function isShort(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

/** Whether this program can open a file now. */
function hasDescriptor(): boolean {
  try {
    closeSync(openSync(process.execPath, 'r'));
    return true;
  } catch (error) {
    return !isShort((error as NodeJS.ErrnoException).code);
  }
}
