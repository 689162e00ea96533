/**
 * A forgotten `await`: the message of a release about an `acquire()` of its thread that still
 * waits.
 */

import type { Cell } from '../agents/cell.ts';

/**
 * The end of a message: the mistake, and the remedy; `otherwise` where no call of this thread
 * awaits the object.
 */
export function unlessAwaiting(cell: Cell, otherwise: string): string {
  if (!cell.hasFlows) return `; ${otherwise}`;
  return ', and an acquire() of this thread still waits for it; write "await" in front of that acquire()';
}
