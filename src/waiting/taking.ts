/** Taking a serial object (a lock, a permit) by waiting for it: blocked, or awaiting. */

import type { Cell } from '../agents/cell.ts';
import type { Wait } from '../agents/wait.ts';
import type { Deadline } from '../deadline.ts';
import { AWAITING_BIT, BLOCKING_BIT } from '../memory/layout.ts';
import { turnIfDue } from '../turns.ts';
import { block } from './blocking.ts';
import { spin } from './spinning.ts';

/** A wait for something that a newcomer may also take without queueing. */
export interface Taking extends Wait {
  tryTake(): boolean;
  /** Called when `tryTake` has just passed over possible waiters. */
  hurried?(): void;
}

/** Awaiting calls that may be served by spinning before the event loop gets its turn. */
const MOST_SPUN_IN_A_ROW = 64;
/** Times that a thread spins again after it saw the object free and lost it to another. */
const SPIN_ROUNDS = 3;

/** Waits until the object is taken; `false` when the time has passed. *Blocks* the thread. */
export function takeBlocking(cell: Cell, wait: Taking, deadline: Deadline): boolean {
  // Spin first: a sleep costs more than a short hold.
  for (let round = 0; round < SPIN_ROUNDS && spin(cell, wait); round++) {
    if (!wait.tryTake()) continue;
    wait.hurried?.();
    return true;
  }
  // Queue, then block until the object is taken or the time is over.
  cell.enter(BLOCKING_BIT, cell.drawTicket());
  let taken = false;
  try {
    taken = block(cell, wait, deadline);
  } finally {
    cell.leave(BLOCKING_BIT);
    // A wait that gives up passes on its wake-up.
    if (taken) wait.taken();
    else wait.abandon();
  }
  return taken;
}

/**
 * Waits until the object is taken; resolves to `false` when the time has passed. The event loop
 * keeps running, except for the moment of a spin. If the holder is about to release the object, the
 * spin saves a ring and a turn of the loop.
 */
export function takeAwaiting(cell: Cell, wait: Taking, deadline: Deadline, keeper: object): Promise<boolean> {
  // Spin only if no earlier call waits, and not too often in a row.
  const spins = !cell.hasFlows && cell.spunInARow < MOST_SPUN_IN_A_ROW && turnIfDue() === undefined;
  if (spins && spin(cell, wait) && wait.tryTake()) {
    cell.spunInARow++;
    wait.hurried?.();
    return Promise.resolve(true);
  }
  cell.spunInARow = 0;
  // Queue behind the calls that wait.
  const ticket = cell.drawTicket();
  cell.enter(AWAITING_BIT, ticket);
  return cell.await(wait, ticket, deadline, keeper);
}
