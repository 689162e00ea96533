/**
 * Tokens: numbers that grow from one holding of an object to the next, for a resource that refuses
 * the writes of an earlier holder.
 *
 * A token is drawn from the object's TICKETS counter when it is first read, so taking and releasing
 * cost nothing more. The order is still right: a holder draws while it holds, and a later holder's
 * draw comes after it. Waiters draw from the same counter; their draws only leave gaps between the
 * tokens.
 */

import type { Cell } from '../agents/cell.ts';

/** The token of the present holding of a lock. Nested holds of one holding share it. */
const held = new WeakMap<Cell, { turn: number; token: number }>();

/** A token for one hold. */
export function drawToken(cell: Cell): number {
  return (cell.drawTicket() >>> 0) + 1;
}

/** The token of the holding `turn` of a lock; the same for each call. */
export function tokenOf(cell: Cell, turn: number): number {
  const known = held.get(cell);
  if (known?.turn === turn) return known.token;
  const token = drawToken(cell);
  held.set(cell, { turn, token });
  return token;
}

/** The holding was given up for a while: others may have held since, so its next token is new. */
export function forgetToken(cell: Cell): void {
  held.delete(cell);
}
