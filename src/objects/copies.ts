/**
 * Copies: several copies of Lockstep in one program know each other's objects, and can say whose
 * they are.
 */

import { inspect } from 'node:util';
import { CODE_ROOT } from '../package-root.ts';

const COPY = Symbol.for('lockstep.copy');

/** Marks the objects of a class as made by this copy. */
export function markCopy(prototype: object): void {
  Object.defineProperty(prototype, COPY, { value: CODE_ROOT });
}

/** The class of `value`, if another copy of Lockstep has made it. */
export function describeForeign(value: object): string | undefined {
  const copy = (value as { [COPY]?: unknown })[COPY];
  if (typeof copy !== 'string' || copy === CODE_ROOT) return undefined;
  // A bundler gives a class that names itself an inner name: `_Lock`.
  const name = value.constructor.name.replace(/^_+/, '');
  return (
    `a ${name} of another copy of Lockstep (${inspect(copy)}; this one is ${inspect(CODE_ROOT)}): ` +
    'a program needs to have one copy, which "npm ls lockstep" shows and "npm dedupe" or a peer dependency brings about'
  );
}
