/**
 * Where a function was written: the script, the place in it, the names that the script's module has
 * for it, and what the function has captured.
 *
 * The module's own scope is compared by identity, so a nested function is never taken for an
 * exported one of the same name. All functions that one factory makes have the same text; only
 * their captured variables distinguish them.
 */

import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { capturedValues, isArrow } from './captured.ts';
import { type Inspector, type Property, type Remote, type Script, withInspector } from './inspector.ts';

/** Where a function was written. */
export interface FunctionLocation {
  /** URL of the script; empty, or without a scheme, for evaluated code. */
  readonly url: string;
  /** Whether the script is an ES module. */
  readonly isModule: boolean;
  /** Whether the script runs in a context of `node:vm`, as modules do under Jest. */
  readonly isForeign: boolean;
  /**
   * Offset of the function's parameters (of a class: of its constructor's, or of the word `class`)
   * in `source`.
   */
  readonly offset: number;
  readonly line: number;
  /** The script as it runs: after a loader has changed it. */
  readonly source: string;
  /** Names that the module has for this very function, exported or not. Empty for CommonJS. */
  readonly names: readonly string[];
  /**
   * The same for the outermost scope of a script that is no module: a test runner may have wrapped
   * a module so.
   */
  readonly outerNames: readonly string[];
  /**
   * Variables that the function captured on its way out of another function: variables and their
   * values, as text.
   */
  readonly captured: Readonly<Record<string, string>>;
  /** Whether there can be another function of the same text that behaves differently. */
  readonly isClosure: boolean;
}

/** A scope that a function sees. */
interface SeenScope {
  /** E.g. `Closure (adder)`, `Module`. */
  readonly description: string;
  readonly variables: Property[];
}

/**
 * Where `fn` was written; `undefined` for bound and native functions, and where Node has no
 * inspector.
 */
export function locateFunction(fn: object): FunctionLocation | undefined {
  return withInspector((inspector) => {
    const objectId = inspector.objectId(fn);
    const { internal } = inspector.properties(objectId);
    const place = innerValue(internal, '[[FunctionLocation]]')?.value as
      | { scriptId: string; lineNumber: number; columnNumber: number }
      | undefined;
    if (place === undefined) return undefined;
    const script = inspector.script(({ scriptId }) => scriptId === place.scriptId);
    if (script === undefined) return undefined;
    const scopes = scopesOf(inspector, innerValue(internal, '[[Scopes]]')?.objectId);
    const module = scopes.find(({ description }) => description === 'Module');
    const inner = scopes.filter((scope) => !isOutermost(scope, scopes, script));
    const captured = capturedValues(
      inspector,
      inner.flatMap(({ variables }) => variables),
      script.source,
    );
    return {
      // A module of node:vm may be named by its path.
      url: isAbsolute(script.url) ? pathToFileURL(script.url).href : script.url,
      isModule: script.isModule === true,
      isForeign: script.executionContextAuxData?.isDefault === false,
      offset: offsetOf(script.source, place.lineNumber, place.columnNumber),
      line: place.lineNumber + 1,
      source: script.source,
      names: module === undefined ? [] : inspector.namesOf(objectId, module.variables),
      outerNames: inspector.namesOf(objectId, scopes.at(-1)?.variables ?? []),
      captured,
      isClosure: inner.length > 0 || usesOuterThis(fn),
    };
  });
}

/** The scopes that a function sees, from the inside out, without the global ones. */
function scopesOf(inspector: Inspector, objectId: string | undefined): SeenScope[] {
  if (objectId === undefined) return [];
  return inspector
    .properties(objectId)
    .own.filter(
      ({ value }) => value?.objectId !== undefined && !/^(Global|Script)/.test(value.description ?? ''),
    )
    .map(({ value }) => ({
      description: value!.description ?? '',
      variables: inspector.properties(value!.objectId!).own,
    }));
}

/**
 * Whether a scope is that of the whole module: there is one of it, so nothing is captured by being
 * in it.
 */
function isOutermost(scope: SeenScope, scopes: readonly SeenScope[], script: Script): boolean {
  if (scope.description === 'Module') return true;
  // Node wraps a CommonJS module in a function without a name.
  return script.isModule !== true && scope === scopes.at(-1) && /^(Closure|Block)$/.test(scope.description);
}

/** An arrow function captures `this` and its like invisibly. */
function usesOuterThis(fn: object): boolean {
  const text = Function.prototype.toString.call(fn);
  return isArrow(text) && /\b(this|super|arguments|new\.target)\b/.test(text);
}

function innerValue(properties: Property[], name: string): Remote | undefined {
  return properties.find((property) => property.name === name)?.value;
}

function offsetOf(source: string, line: number, column: number): number {
  let at = 0;
  for (let n = 0; n < line; n++) at = source.indexOf('\n', at) + 1;
  return at + column;
}
