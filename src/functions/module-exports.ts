/** Under which name a module exports a function. The module may still be running, so it is never imported to find out. */

import { fileURLToPath } from 'node:url';
import { requireCache, requireHere } from '../package-root.ts';
import type { FunctionLocation } from './location.ts';

/** Name under which the ES module that wrote `fn` exports it; `undefined` if it does not. */
export function exportedByModule(fn: object, location: FunctionLocation): string | undefined {
  for (const found of directExports(location.source)) {
    if (found.localName !== undefined && location.names.includes(found.localName)) return found.name;
    if (found.name === 'default' && isDefault(fn, location, found.exportStart)) return 'default';
  }
  return undefined;
}

/** Whether an ES module says `export default name;`. Which function has that name need not be visible. */
export function exportsNameAsDefault(name: string, source: string): boolean {
  const found = directExports(source).find((each) => each.name === 'default');
  return found !== undefined && defaultExpression(source, found.exportStart)?.name === name;
}

/** Name under which an ES module seems to export a function called `name`; `undefined` if none. */
export function exportedByName(name: string, source: string): string | undefined {
  const exports = directExports(source);
  return (exports.find((found) => found.localName === name) ?? exports.find((found) => found.name === name))
    ?.name;
}

/** Name under which the CommonJS module at `url` exports `fn`; `undefined` if it does not, or has not yet. */
export function exportedByCommonJs(fn: object, url: string): string | undefined {
  const exports: unknown = requireCache()[fileURLToPath(url)]?.exports;
  if (exports === fn) return 'default';
  if (exports === null || (typeof exports !== 'object' && typeof exports !== 'function')) return undefined;
  return Object.keys(exports).find((key) => (exports as Record<string, unknown>)[key] === fn);
}

interface DirectExport {
  readonly name: string;
  readonly localName: string | undefined;
  readonly exportStart: number;
}

function directExports(source: string): DirectExport[] {
  const { parse } = requireHere('es-module-lexer') as typeof import('es-module-lexer');
  try {
    return parse(source)[1].filter((found) => found.type === 'direct' && !found.typeOnly) as DirectExport[];
  } catch {
    // Not a module that the lexer understands: the caller says what to write instead.
    return [];
  }
}

/** Whether what follows `export default` at `start` is the function itself, or a name of it. */
function isDefault(fn: object, { source, offset, names }: FunctionLocation, start: number): boolean {
  const expression = defaultExpression(source, start);
  if (expression === undefined) return false;
  const { at, name } = expression;
  const text = Function.prototype.toString.call(fn);
  if (offset >= at && offset < at + text.length && source.startsWith(text, at)) return true;
  return name !== undefined && names.includes(name);
}

/** Where the expression of `export default` begins, and the name that it consists of, if it is one. */
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
