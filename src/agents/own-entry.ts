/**
 * OwnEntry: this agent's wait entry for one cell. However many calls of the agent wait for the
 * object, they share this entry: those that await, and the one in which the thread is blocked.
 *
 * The entry shows how the calls wait, how many they are, the ticket and the beginning of the first,
 * and a detail of the primitive's. Only the agent's thread writes these words. Other agents read
 * them to choose whom to wake up; the reaper empties them after the agent's death.
 */

import { load, store } from '#atomics';
import { commonTime } from '#park';
import type { Deadline } from '../deadline.ts';
import {
  AWAITING_BIT,
  BLOCKING_BIT,
  ENTRY_DETAIL,
  ENTRY_STATUS,
  ENTRY_TICKET,
  FLOWS_SHIFT,
  TIMED_BIT,
} from '../memory/layout.ts';
import type { AgentHost } from './agent-host.ts';
import type { Entry } from './wait-table.ts';

/** The awaiting calls, as the entry shows them. */
interface ShownCalls {
  /** The first call, if any. */
  readonly head: { readonly ticket: number; readonly since: number } | undefined;
  /** Whether one of them has a timeout or a signal. */
  readonly timed: boolean;
}

/** The cell for which the agent waits. */
interface EnteredCell {
  readonly agent: Pick<AgentHost<unknown>, 'hangBell' | 'table'>;
  readonly number: number;
  readonly kind: { readonly lasting: boolean };
}

export class OwnEntry {
  private readonly cell: EnteredCell;
  private readonly calls: ShownCalls;
  private filled: Entry | undefined;
  private blocked = 0;
  private blockedTicket = 0;
  /** When the thread began to block, in common milliseconds. */
  private blockedSince = 0;
  /** Whether the blocked call ends by itself. */
  private blockedTimed = false;
  /**
   * Awaiting calls that have entered: those that queue, and those of a barrier's action that runs.
   */
  private awaiting = 0;
  private shownDetail = 0;

  constructor(cell: EnteredCell, calls: ShownCalls) {
    this.cell = cell;
    this.calls = calls;
  }

  /** The entry, if filled. */
  get entry(): Entry | undefined {
    return this.filled;
  }

  /** Calls that have entered. */
  get waiting(): number {
    return this.blocked + this.awaiting;
  }

  /** Fills or updates the wait entry for one more call. Every `enter` needs its `leave`. */
  enter(how: number, ticket: number): void {
    const since = commonTime();
    if (how === BLOCKING_BIT) {
      this.blocked++;
      this.blockedTicket = ticket;
      this.blockedSince = since;
    } else {
      this.cell.agent.hangBell();
      this.awaiting++;
    }
    try {
      this.refresh(ticket, since);
    } catch (error) {
      // There was no room for an entry, so the call does not wait.
      if (how === BLOCKING_BIT) this.blocked--;
      else this.awaiting--;
      throw error;
    }
  }

  leave(how: number): void {
    if (how === BLOCKING_BIT) {
      this.blocked--;
      this.blockedTimed = false;
    } else this.awaiting--;
    this.refresh(0, 0);
  }

  /** The call that is about to block the thread ends by itself, if its deadline says so. */
  timeBlocked(deadline: Deadline): void {
    // No signal reaches a blocked thread.
    if (!deadline.timed) return;
    this.blockedTimed = true;
    this.refresh(this.blockedTicket, this.blockedSince);
  }

  /** The detail that `setDetail` has set last. */
  get detail(): number {
    return this.shownDetail;
  }

  /**
   * The primitive's facts about the waiting calls, for others to read: part of the wait entry.
   */
  setDetail(detail: number): void {
    this.shownDetail = detail;
    if (this.filled !== undefined) store(this.filled.words, this.filled.at + ENTRY_DETAIL, detail);
  }

  /** Empties the wait entry. */
  empty(): void {
    if (this.filled === undefined) return;
    this.cell.agent.table.empty(this.filled);
    this.filled = undefined;
  }

  /**
   * Brings the entry up to date. `ticket` and `since` belong to a call that does not queue yet and
   * does not block.
   */
  refresh(ticket: number, since: number): void {
    const calls = this.blocked + this.awaiting;
    // No call waits: give the entry back.
    if (calls === 0 && !this.cell.kind.lasting) {
      this.empty();
      return;
    }
    // Find the ticket and the beginning of the oldest call.
    const head = this.calls.head;
    const status = this.statusOf(calls);
    const oldest = head?.ticket ?? (this.blocked > 0 ? this.blockedTicket : ticket);
    const from = head !== undefined ? commonTime(head.since) : this.blocked > 0 ? this.blockedSince : since;
    // Fill a new entry, or bring the present one up to date.
    if (this.filled === undefined) {
      if (calls > 0)
        this.filled = this.cell.agent.table.fill(this.cell.number, oldest, status, this.shownDetail, from);
      return;
    }
    if (from !== 0) this.cell.agent.table.noteSince(this.filled, from);
    store(this.filled.words, this.filled.at + ENTRY_TICKET, oldest);
    if (load(this.filled.words, this.filled.at + ENTRY_STATUS) !== status) {
      store(this.filled.words, this.filled.at + ENTRY_STATUS, status);
    }
  }

  private statusOf(calls: number): number {
    const how = (this.blocked > 0 ? BLOCKING_BIT : 0) | (this.awaiting > 0 ? AWAITING_BIT : 0);
    return how | (this.isTimed() ? TIMED_BIT : 0) | (calls << FLOWS_SHIFT);
  }

  /**
   * Whether the blocked call ends by itself; without a blocked call, whether an awaiting one does.
   */
  private isTimed(): boolean {
    return this.blocked > 0 ? this.blockedTimed : this.calls.timed;
  }
}
