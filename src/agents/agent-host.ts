/** AgentHost: an agent as its cells and their users see it. The class is in agent.ts. */

import type { Words } from '../memory/atomics.ts';
import type { Named, Place } from '../memory/place.ts';
import type { Berth } from '../namespaces/berth.ts';
import type { Bell } from '../namespaces/doorbell.ts';
import type { Kind } from './kinds.ts';
import type { WaitTable } from './wait-table.ts';
import type { Waker } from './waiters.ts';

export interface AgentHost<Cell> extends Waker {
  readonly folder: string;
  readonly words: Words;
  /** First word of its slot. */
  readonly base: number;
  readonly table: WaitTable;
  /** The cells that it has open. */
  readonly cells: ReadonlyMap<number, Cell>;
  readonly hasLeft: boolean;
  /** Calls of this agent that await something. */
  readonly awaitingCalls: number;
  /** Where its thread sleeps for long. */
  readonly berth: Berth;
  /** Functions that the agent calls before its thread blocks. No microtask runs meanwhile. */
  readonly beforeBlocking: Set<() => void>;
  /**
   * The cell for which the thread is blocked: -1 for anything but a cell, 0 if it is not blocked.
   */
  set blockedOn(cell: number);
  /** The cell that this thread awaits while it does nothing else; 0 if there is none. */
  set awaitsOnly(cell: number);
  /**
   * Hangs the bell. Call before a wait entry says that a call awaits: earlier rings are lost.
   */
  hangBell(): Bell;
  /** One more call awaits: the bell keeps the event loop running until the last one has ended. */
  beginAwaiting(): void;
  endAwaiting(): void;
  /** Writes down where this thread is, if an observer has asked since the last time. */
  tellWhereIfAsked(isBlocked: boolean): void;
  /** Looks at the awaiting calls for the cell, or at all. */
  answer(cell: number): void;
  /** Makes an object of the kind; `init` fills its body before anyone can see it. */
  create(type: Kind, init: (place: Place) => void): Cell;
  /** Opens the object if it still exists. */
  open(type: Kind, number: number, generation: number): Cell | undefined;
  /** Closes this agent's end of the cell. */
  closeCell(cell: Cell): void;
  /**
   * Lowers the counts of the objects that a removed item named, and ends those that only it kept.
   */
  unkeep(names: readonly Named[]): void;
}
