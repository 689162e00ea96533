/**
 * Errors that keep their class on the way to another process or thread: JavaScript's own and
 * Lockstep's.
 */

import { types } from 'node:util';
import * as lockstepErrors from '../errors.ts';

/** Name of the class under which the other side makes an error again. */
export type ErrorClass = string;

type Prototype = Error;

const PROTOTYPES: ReadonlyMap<string, Prototype> = new Map(
  [
    ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError],
    ...Object.values(lockstepErrors),
  ].map((known) => [known.name, known.prototype as Prototype]),
);

export function isError(value: unknown): value is Error {
  if (types.isNativeError(value)) return true;
  try {
    return value instanceof Error;
  } catch {
    // It is a revoked Proxy, or its handler throws.
    return false;
  }
}

/**
 * The class with which the error is made again: its own if that is known, otherwise its nearest
 * known ancestor.
 */
export function errorClassOf(error: Error): ErrorClass {
  for (let at: unknown = Object.getPrototypeOf(error); at !== null; at = Object.getPrototypeOf(at)) {
    const name = (at as Error).constructor?.name;
    if (PROTOTYPES.get(name) === at) return name;
  }
  return 'Error';
}

/** An error of that class without fields yet. */
export function rebuildError(name: ErrorClass): Error {
  const error = new Error();
  Object.setPrototypeOf(error, PROTOTYPES.get(name) ?? Error.prototype);
  return error;
}
