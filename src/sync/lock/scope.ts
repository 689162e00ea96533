/**
 * Scope: one flow of control within an agent, as far as it is known. Code at the top of a program,
 * process or thread target is one scope; `run` makes one of its own inside its caller's. An RLock
 * is owned by an agent and a scope.
 *
 * A scope that `run` made knows its holdings and its waits. While it awaits one object only, it
 * releases none of its locks. That is noted beside its locks, for searches for deadlocks. While it
 * awaits two objects at once, nothing is certain. The scope at the top is shared by all other code,
 * and nothing is known of it.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Cell } from '../../agents/cell.ts';

/** An object that a scope can hold. */
export interface Scoped {
  readonly cell: Cell;
  /** Whether the holding `turn` goes on. */
  isHeld(turn: number): boolean;
  /** Notes what the present holding awaits before it ends; `undefined` if that is not certain. */
  noteWant(want: Want | undefined): void;
}

/** An object that a scope awaits. */
export interface Want {
  readonly folder: string;
  readonly cell: number;
  readonly ticket: number;
}

export class Scope {
  readonly parent: Scope | undefined;
  /** Objects that were taken in this scope, with the turn of the holding. */
  private readonly holdings = new Map<Scoped, number>();
  private readonly wants = new Set<Want>();

  constructor(parent: Scope | undefined) {
    this.parent = parent;
  }

  /** Whether this is `other` or lies within it. */
  isWithin(other: Scope | undefined): boolean {
    for (let scope: Scope | undefined = this; scope !== undefined; scope = scope.parent)
      if (scope === other) return true;
    return false;
  }

  /** Objects that it took, and may still hold. */
  get held(): Map<Scoped, number> {
    return this.holdings;
  }

  /** Whether the scope awaits one thing only, within it or within a `run` inside it. */
  get awaitsOne(): boolean {
    return this.wants.size === 1;
  }

  hold(taken: Scoped, turn: number): void {
    this.holdings.set(taken, turn);
    if (this.wants.size > 0) this.note();
  }

  /** The scope, and those around it, await `want` from now on. */
  begin(want: Want): void {
    this.change((wants) => wants.add(want));
  }

  end(want: Want): void {
    this.change((wants) => wants.delete(want));
  }

  private change(apply: (wants: Set<Want>) => void): void {
    for (let scope: Scope = this; scope !== TOP && scope.parent !== undefined; scope = scope.parent) {
      apply(scope.wants);
      scope.note();
    }
  }

  private note(): void {
    const [want] = this.awaitsOne ? this.wants : [];
    for (const [taken, turn] of this.holdings) {
      if (taken.isHeld(turn)) taken.noteWant(want);
      else this.holdings.delete(taken);
    }
  }
}

export const TOP: Scope = new Scope(undefined);
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
