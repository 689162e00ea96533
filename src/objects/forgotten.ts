/**
 * Forgotten: objects that are garbage-collected without having been closed. Their cell is closed as
 * if they had been, unless this thread holds it: forgetting an object is not a release.
 */

import type { Cell } from '../agents/cell.ts';
import { unlessShort } from '../agents/reaper.ts';
import { pruneName } from '../namespaces/names.ts';
import type { Opened } from './opened.ts';

interface Forgotten {
  readonly cell: Cell;
  readonly name: string | undefined;
}

/** Objects that this thread can no longer reach, but still holds. */
let forgotten: Forgotten[] = [];
const collected = new FinalizationRegistry<Forgotten>((object) => {
  forgotten.push(object);
  const over = forgotten.filter(({ cell }) => !isHeld(cell));
  forgotten = forgotten.filter(({ cell }) => !over.some((each) => each.cell === cell));
  for (const { cell, name } of over) {
    try {
      letGo(cell, name);
    } catch (error) {
      // Nobody could catch the error here. The rest of the object goes with this agent.
      process.emitWarning(error as Error);
    }
  }
});

/** Ends the use of the cell when the object is garbage-collected. */
export function letGoWhenForgotten(object: object, { cell, name }: Forgotten): void {
  collected.register(object, { cell, name }, object);
}

/** The object is closed by hand. */
export function dropForgetting(object: object): void {
  collected.unregister(object);
}

/** Gives back a cell for which no object was made. */
export function abandon({ cell, name }: Opened): void {
  cell.references++;
  letGo(cell, name);
}

/** Whether this thread holds the cell's object, or one that belongs to it. */
function isHeld(cell: Cell): boolean {
  if (cell.closed) return false;
  const { namespace, slot } = cell.agent;
  const { kind } = cell;
  const place = namespace.arena.place(cell.number);
  const holds = kind.holds?.(namespace, place, slot) ?? kind.holder?.(place) === slot;
  return holds || cell.parts.some(isHeld);
}

/** One object less stands for the cell: it is closed if that was the last. */
export function letGo(cell: Cell, name: string | undefined): void {
  if (--cell.references > 0 || cell.closed) return;
  const { agent } = cell;
  agent.closeCell(cell);
  // A name that leads nowhere is harmless, and removed with the next one that is.
  if (name !== undefined) unlessShort(() => pruneName(agent.namespace, name));
}
