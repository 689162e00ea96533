/** Target: the function that a child runs, and the reference by which the child finds it. */

import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { InvalidTypeError, TargetError } from '../errors.ts';
import { referenceTo } from '../functions/reference.ts';
import type { FunctionReference } from '../functions/resolving.ts';
import { isEvaluated } from '../functions/resolving.ts';
import { checkKnown } from '../options.ts';

export type TargetFunction = (...args: unknown[]) => unknown;

/**
 * A target given by its module and export, for functions whose export Lockstep can't find by
 * itself, such as those that a wrapper made.
 */
export interface TargetModule {
  /** The module, as a URL or an absolute path; `import.meta.url` for the module at hand. */
  readonly module: string | URL;
  /** Name of its export; default `"default"`. */
  readonly export?: string | undefined;
}

/** An exported function, sync or async; or its module and the name of its export. */
export type Target<Result, Args extends readonly unknown[]> =
  | ((...args: Args) => Result | Promise<Result>)
  | TargetModule;

/** Throws `InvalidTypeError` for what can't be a target at all. */
export function checkTarget(kind: string, target: unknown): void {
  if (target === undefined || typeof target === 'function') return;
  if (!isTargetModule(target)) {
    throw new InvalidTypeError(
      `${kind}: refused, its target is ${inspect(target, { depth: 0 })}; pass a function that its module exports, or { module, export }`,
    );
  }
  checkKnown(`${kind}: its target`, target, 'target');
}

/**
 * How the child finds the target, or the class whose `run` it calls.
 *
 * @throws {TargetError} if it can't
 */
export function referenceToTarget(target: unknown, title: string, isClass: boolean): FunctionReference {
  if (target === undefined) {
    throw new TargetError(
      `${title}: can't be started, it has neither a target nor a run(); pass { target: fn } or override run()`,
    );
  }
  if (isTargetModule(target))
    return { module: moduleUrl(target.module, `${title}: target`), export: target.export ?? 'default' };
  return referenceTo(target, isClass ? `${title}: its class` : `${title}: target`);
}

function isTargetModule(target: unknown): target is TargetModule {
  if (target === null || typeof target !== 'object') return false;
  const { module, export: name } = target as Partial<TargetModule>;
  return (
    (typeof module === 'string' || module instanceof URL) && (name === undefined || typeof name === 'string')
  );
}

/** The URL of a module; `what` begins the refusal of what is none. */
export function moduleUrl(module: string | URL, what: string): string {
  const url = urlOf(module, what);
  if (!isEvaluated(url)) return url;
  throw new TargetError(
    `${what} refused, its module is code that was given to Node as text (${url}), which a child can't import; put it into a file, export it there, and import it here`,
  );
}

function urlOf(module: string | URL, what: string): string {
  if (module instanceof URL) return module.href;
  if (isAbsolute(module)) return pathToFileURL(module).href;
  if (/^(file|data|node):/.test(module)) return module;
  throw new TargetError(
    `${what} refused, ${JSON.stringify(module)} is neither a URL nor an absolute path; ` +
      'pass import.meta.url, or new URL("./work.js", import.meta.url)',
  );
}
