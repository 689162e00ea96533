/**
 * Keeping: objects on their way to a child stay open here until the child has opened them, even if
 * the program closes them right after the start.
 */

import { note } from '#atomics';
import { clearInterval, setInterval } from '#clock';
import { agentsOfThread } from '../agents/membership.ts';
import { AGENT_KEEPS } from '../memory/layout.ts';
import { letGo } from './forgotten.ts';
import type { SharedObject } from './shared-object.ts';

/** Milliseconds between two checks whether the child has opened them. */
const INTERVAL = 10;

const looks = new Set<() => void>();

/**
 * Keeps the objects open until `isOver` says that the child has opened them, or never will. Returns
 * a function that ends this earlier.
 */
export function keepFor(objects: readonly SharedObject[], isOver: () => boolean): () => void {
  const kept = objects.map(({ cell, name }) => ({ cell, name }));
  if (kept.length === 0) return () => {};
  for (const { cell } of kept) cell.references++;
  const look = (): void => {
    if (isOver()) end();
  };
  const timer = setInterval(look, INTERVAL);
  timer.unref();
  looks.add(look);
  tell();
  const end = (): void => {
    clearInterval(timer);
    looks.delete(look);
    tell();
    for (const { cell, name } of kept.splice(0)) letGo(cell, name);
  };
  return end;
}

/** Records in shared memory, for observers outside, that children are being started. */
function tell(): void {
  for (const { words, base } of agentsOfThread()) note(words, base + AGENT_KEEPS, looks.size);
}

/** Whether anything is kept. */
export function keepsAny(): boolean {
  return looks.size > 0;
}

/**
 * Checks everything that is kept. A blocked thread calls this, because it may wait for the child to
 * close that very object.
 */
export function lookAtKept(): void {
  for (const look of [...looks]) look();
}
