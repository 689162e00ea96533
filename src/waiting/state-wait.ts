/**
 * Waiting for a state that all waiters may see, and none takes: that of an event, of a latch, of a
 * round.
 */

import type { Cell } from '../agents/cell.ts';
import type { Wait } from '../agents/wait.ts';
import type { Deadline } from '../deadline.ts';
import { AWAITING_BIT, BLOCKING_BIT } from '../memory/layout.ts';
import { servedAtOnce } from '../turns.ts';
import { block } from './blocking.ts';
import { spin } from './spinning.ts';

/**
 * A wait that leaves nothing behind, and keeps nothing from others: there is nothing to hand on.
 */
export abstract class StateWait implements Wait {
  readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  /** Whether the state has come. */
  abstract peek(): boolean;

  attempt(): boolean {
    return this.peek();
  }

  abandon(): void {}

  taken(): void {}

  suspect(): number {
    return 0;
  }
}

/**
 * Waits for the state; resolves to `false` when the time has passed. The event loop goes on.
 * `keeper` stands for the cell.
 */
export function awaitState(wait: StateWait, deadline: Deadline, keeper: object): boolean | Promise<boolean> {
  if (deadline.expired) return servedAtOnce(false);
  const { cell } = wait;
  const ticket = cell.drawTicket();
  cell.enter(AWAITING_BIT, ticket);
  return cell.await(wait, ticket, deadline, keeper);
}

/** Waits for the state; returns `false` when the time has passed. *Blocks* the thread. */
export function blockForState(wait: StateWait, deadline: Deadline): boolean {
  if (deadline.expired) return false;
  const { cell } = wait;
  // Spin first, then queue and block.
  if (spin(cell, wait)) return true;
  cell.enter(BLOCKING_BIT, cell.drawTicket());
  try {
    return block(cell, wait, deadline);
  } finally {
    cell.leave(BLOCKING_BIT);
  }
}
