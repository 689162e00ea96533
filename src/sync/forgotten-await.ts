/**
 * A forgotten `await`: what a release has to say of an `acquire()` of its own thread that is still
 * under way.
 */

import type { Cell } from '../agents/cell.ts';

/**
 * The end of a message: what is wrong, and what to do; `otherwise` where no call of this thread
 * awaits the object.
 */
export function unlessAwaiting(cell: Cell, otherwise: string): string {
  if (!cell.hasFlows) return `; ${otherwise}`;
  return ', and an acquire() of this thread still waits for it; write "await" in front of that acquire()';
}
