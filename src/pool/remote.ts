/** Remote: a module whose functions run in a pool. */

import { inspect } from 'node:util';
import { InvalidTypeError } from '../errors.ts';
import { moduleUrl } from '../workers/target.ts';

/** The functions of a module, as a pool runs them: each returns a promise. */
export type Remote<Module> = {
  readonly [Name in keyof Module as Module[Name] extends (...args: never[]) => unknown
    ? Name
    : never]: Module[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

type Call = (...args: unknown[]) => Promise<unknown>;

/**
 * An object whose properties call `apply`. `apply` gets the function of a namespace object, or the
 * location of one that is not loaded here.
 */
export function remoteOf<Module extends object>(
  module: Module | URL | string,
  title: string,
  apply: (target: unknown, args: unknown[]) => Promise<unknown>,
): Remote<Module> {
  const targetOf = findIn(module, title);
  const calls = new Map<string, Call>();
  const get = (_: object, name: string | symbol): Call | undefined => {
    // Awaiting the object must not call the module's `then`.
    if (typeof name === 'symbol' || name === 'then') return undefined;
    const known = calls.get(name);
    if (known !== undefined) return known;
    const target = targetOf(name);
    if (target === undefined) return undefined;
    const call: Call = (...args) => apply(target, args);
    calls.set(name, call);
    return call;
  };
  return new Proxy(Object.create(null) as object, {
    get,
    has: (_, name) => get(_, name) !== undefined,
  }) as Remote<Module>;
}

function findIn(module: unknown, title: string): (name: string) => unknown {
  if (typeof module === 'string' || module instanceof URL) {
    const url = moduleUrl(module, title);
    return (name) => ({ module: url, export: name });
  }
  if (module === null || typeof module !== 'object') {
    throw new InvalidTypeError(
      `${title}: refused, ${inspect(module, { depth: 0 })} is not a module; pass what import * gave, or a URL`,
    );
  }
  return (name) => {
    const value = (module as Record<string, unknown>)[name];
    return typeof value === 'function' ? value : undefined;
  };
}
