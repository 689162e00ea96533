/**
 * Scope: one flow of control within the process. `run` makes one inside its caller's; code outside
 * any `run` is one scope. An RLock of the cluster is owned by a connection and a scope.
 */

import { AsyncLocalStorage } from 'node:async_hooks';

export class Scope {
  private readonly parent: Scope | undefined;

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }

  isWithin(other: Scope): boolean {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
      if (scope === other) return true;
    return false;
  }
}

const TOP = new Scope(undefined);
const storage = new AsyncLocalStorage<Scope>();

export function currentScope(): Scope {
  return storage.getStore() ?? TOP;
}

/** Runs `fn` in a scope of its own, within the current one. */
export function runInScope<Result>(fn: () => Result): Result {
  return storage.run(new Scope(currentScope()), fn);
}
