/** Opened: what an object is made from, and what it may still wait for. */

import type { Cell } from '../agents/cell.ts';

const openings = new Set<Promise<unknown>>();

/** A cell with the name it was found by: what the constructors of shared objects are given to stand for it. */
export class Opened {
  readonly cell: Cell;
  readonly name: string | undefined;
  /** What else the handle said. */
  readonly extra: URLSearchParams | undefined;

  constructor(cell: Cell, name: string | undefined, extra?: URLSearchParams) {
    this.cell = cell;
    this.name = name;
    this.extra = extra;
  }
}

/** Says that an opened object is complete only when the promise has settled. */
export function noteOpening(promise: Promise<unknown>): void {
  const settled: Promise<unknown> = promise.then(
    () => openings.delete(settled),
    () => openings.delete(settled),
  );
  openings.add(settled);
}

/** Resolves when everything that was opened is complete. What failed is told by the object itself, when it is used. */
export async function openingsSettled(): Promise<void> {
  await Promise.all(openings);
}
