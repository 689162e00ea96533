/**
 * Function reference: which module exports a function, and under which name. The export must be the
 * very function that was passed: module-exports.ts. Another process or thread finds it again by
 * this: resolving.ts.
 */

import { inspect, types } from 'node:util';
import { InvalidTypeError, TargetError } from '../errors.ts';
import { isArrow } from './captured.ts';
import { digestOf } from './digest.ts';
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
import type { FunctionReference, NamedFunction } from './resolving.ts';
import { isEvaluated, reasonOf } from './resolving.ts';

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
  const isFile = /^(file|data|https?):/.test(url) && !isEvaluated(url);
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
  if (byCaller !== undefined && !isEvaluated(byCaller.module))
    return certified(byCaller, fn, location, false);
  throw new TargetError(`${what} refused, ${isFile ? notExported(fn, location) : notInFile(fn, url)}`);
}

/** A reference with all facts that the finder can check. */
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
  if (isMethod(fn))
    return `${title} is a method, which is not exported by itself; export a function that calls it, and pass that`;
  if (isClosure) {
    return (
      `${title} was made within another function and is not exported, so a child can't find it; move it to the module's top level, write "export" in front of it, and pass what it uses from around it as arguments; ` +
      'if a module exports it as it is, pass { module: import.meta.url, export: "…" } of that module as the target; in a bundle, the entry has to export it, too'
    );
  }
  return (
    `${title} is not exported by its module, so a child can't find it; write "export" in front of it at the module's top level, ` +
    `or, if another module exports it, pass { module: import.meta.url, export: "…" } of that module as the target; ${IN_BUNDLE}`
  );
}

/** A method's text begins with its name. */
function isMethod(fn: NamedFunction): boolean {
  const text = Function.prototype.toString.call(fn);
  return !isArrow(text) && !/^(?:async\s+)?function\b|^class\b/.test(text);
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
