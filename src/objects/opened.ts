/**
 * Opened: the input of a shared object's constructor, and the preparations that it may need before
 * a target can use it.
 */

import type { Cell } from '../agents/cell.ts';

let preparations: (() => Promise<unknown>)[] | undefined;

/**
 * A cell with the name under which it was found: the input of a shared object's constructor.
 */
export class Opened {
  readonly cell: Cell;
  readonly name: string | undefined;
  /** The other facts in the handle. */
  readonly extra: URLSearchParams | undefined;

  constructor(cell: Cell, name: string | undefined, extra?: URLSearchParams) {
    this.cell = cell;
    this.name = name;
    this.extra = extra;
  }
}

/**
 * Registers the step that makes an opened object ready for a thread that can't await. Only the
 * arguments of a child take it: an object that comes by a handle or a message loads nothing.
 */
export function noteOpening(prepare: () => Promise<unknown>): void {
  preparations?.push(prepare);
}

/**
 * Runs `open`, which opens a child's arguments, and makes ready what it opens. The object itself
 * reports a failure, when it is used.
 */
export async function openPrepared<Result>(open: () => Result): Promise<Result> {
  const noted: (() => Promise<unknown>)[] = [];
  preparations = noted;
  let result: Result;
  try {
    result = open();
  } finally {
    preparations = undefined;
  }
  await Promise.allSettled(noted.map((prepare) => prepare()));
  return result;
}
