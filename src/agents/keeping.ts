/**
 * Keeping: objects on their way to a child stay open here until the child has opened them, also where they are closed right after its start.
 */

import { load } from '#atomics';
import { CELL_OPEN } from '../memory/layout.ts';
import type { Cell } from './cell.ts';
import type { SharedObject } from './shared-object.ts';
import { letGo } from './shared-object.ts';

/** Milliseconds between two looks whether the child has opened them. */
const INTERVAL = 10;

/** Keeps the objects open until an agent of that thread has them all open; returns what ends it before. */
export function keepFor(objects: readonly SharedObject[], pid: number, threadId: number): () => void {
  const kept = objects.map(({ cell, name }) => ({ cell, name }));
  if (kept.length === 0) return () => {};
  for (const { cell } of kept) cell.references++;
  const timer = setInterval(() => {
    if (kept.every(({ cell }) => isOpenedBy(cell, pid, threadId))) end();
  }, INTERVAL);
  timer.unref();
  const end = (): void => {
    clearInterval(timer);
    for (const { cell, name } of kept.splice(0)) letGo(cell, name);
  };
  return end;
}

function isOpenedBy(cell: Cell, pid: number, threadId: number): boolean {
  if (cell.closed) return true;
  const { namespace } = cell.agent;
  for (let slot = 1, high = namespace.highSlot; slot <= high; slot++) {
    if ((load(cell.words, cell.at + CELL_OPEN + (slot >> 5)) & (1 << (slot & 31))) === 0) continue;
    const identity = namespace.identity(slot);
    if (identity.pid === pid && identity.threadId === threadId) return true;
  }
  return false;
}
