/**
 * Scope: one flow of control within an agent, as far as it is known. Code at the top of a program, process or thread target is one
 * scope; `run` makes one of its own inside its caller's. An RLock is owned by an agent and a scope.
 */

import { AsyncLocalStorage } from 'node:async_hooks';

export class Scope {
  readonly parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }

  /** Whether this is `other` or lies within it. */
  isWithin(other: Scope | undefined): boolean {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
      if (scope === other) return true;
    return false;
  }
}

const TOP = new Scope(undefined);
let storage: AsyncLocalStorage<Scope> | undefined;

export function currentScope(): Scope {
  // Asking the storage costs more than an uncontended lock: it is made by the first `run`.
  return storage === undefined ? TOP : (storage.getStore() ?? TOP);
}

/** Runs `fn` in a scope of its own, within the current one. */
export function runInScope<Result>(fn: () => Result): Result {
  storage ??= new AsyncLocalStorage();
  return storage.run(new Scope(currentScope()), fn);
}
