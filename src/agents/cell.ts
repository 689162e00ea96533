/**
 * Cell: one agent's end of a shared object: its words, its wait entry, and the calls of this agent
 * that wait for it.
 *
 * However many calls of an agent wait for one object, they share one wait entry. Calls that await
 * queue here, in order; the thread itself can be blocked in one more. A serial object (a lock, a
 * semaphore) goes to the first of the queue. For other objects (an event, a barrier, a condition)
 * every call is asked.
 */

import { add, load, store } from '#atomics';
import { commonTime, now } from '#park';
import { onAbort } from '../aborts.ts';
import type { ObjectOfMessage } from '../channels.ts';
import { requestBegins } from '../channels.ts';
import type { Deadline } from '../deadline.ts';
import { ClosedError, LockstepError } from '../errors.ts';
import { afterMilliseconds } from '../long-timer.ts';
import type { Words } from '../memory/atomics.ts';
import {
  AWAITING_BIT,
  BLOCKING_BIT,
  CELL_TICKETS,
  CELL_WORDS,
  ENTRY_DETAIL,
  ENTRY_STATUS,
  ENTRY_TICKET,
  FLOWS_SHIFT,
  TIMED_BIT,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { Origin } from '../stacks.ts';
import { noteOrigin, withOrigin } from '../stacks.ts';
import { withResolvers } from '../with-resolvers.ts';
import type { AgentHost } from './agent-host.ts';
import type { Kind } from './kinds.ts';
import { freeOfNobody, sweepIfDue } from './reaper.ts';
import type { Pressure, Wait } from './wait.ts';
import { PRESSURE } from './wait.ts';
import type { Entry } from './wait-table.ts';
import { isBefore, waitersOf } from './waiters.ts';

/**
 * Milliseconds after which a waiter asks for a direct hand-off (parking_lot's eventual fairness
 * uses the same).
 */
export const FAIRNESS_AFTER = 0.5;

/**
 * The values that a closed cell's words have: no fast path can take anything from it, and the slow
 * path says why.
 */
const CLOSED_WORDS: Words = new Int32Array(CELL_WORDS).fill(-1);

/** A call that awaits. */
interface Flow {
  readonly wait: Wait;
  readonly ticket: number;
  readonly since: number;
  readonly deadline: Deadline;
  /** The object whose method was called: this keeps it from being collected meanwhile. */
  readonly keeper: object;
  /** Where the call began. */
  readonly origin: Origin;
  resolve(taken: boolean): void;
  reject(reason: unknown): void;
  stopTimer: (() => void) | undefined;
  ignoreAbort: (() => void) | undefined;
}

/** The agent of a cell. */
export type Host = AgentHost<Cell>;

export class Cell implements Place {
  readonly agent: Host;
  readonly kind: Kind;
  readonly number: number;
  readonly generation: number;
  /** The object's words; replaced by `CLOSED_WORDS` when the agent has closed it. */
  words: Words;
  at: number;
  /** Whether only the first of the queue can be served. */
  readonly serial: boolean;
  /**
   * The primitive's own state in this agent, shared by all objects that stand for this cell.
   */
  extension: object | undefined;
  /** Called when the agent has closed its end. */
  onClosed: (() => void) | undefined;
  /** Cells that this one needs, and that are closed with it unless something else needs them. */
  readonly parts: Cell[] = [];
  /** Objects of this agent that stand for this cell, and cells of which it is a part. */
  references = 0;
  /** The object's name, for messages only. */
  name: string | undefined;
  /** Its label if it has no name, as far as this thread knows. */
  label: string | undefined;
  /** How many polls to spin before sleeping; adapts. */
  spins = 0;
  /** Fruitless spins since the last spin that got the object. */
  vainSpins = 0;
  /** Awaiting calls in a row that were served by spinning, without a turn of the event loop. */
  spunInARow = 0;
  closed = false;

  /** Whether the object was free at the last unrequested poll. */
  private seenFree = false;
  private readonly flows = new Set<Flow>();
  /** How many flows have a timeout or a signal. */
  private timedFlows = 0;
  private entry: Entry | undefined;
  private blocked = 0;
  private blockedTicket = 0;
  /** When the thread began to block, in common milliseconds. */
  private blockedSince = 0;
  /** Whether the blocked call ends by itself. */
  private blockedTimed = false;
  /**
   * Awaiting calls that have entered: those in `flows`, and those of a barrier's action that runs.
   */
  private awaiting = 0;
  private detail = 0;
  /** Whether the entry stays filled until the cell is closed. */
  private readonly lasting: boolean;

  constructor(agent: Host, place: Place, kind: Kind, generation: number) {
    this.agent = agent;
    this.kind = kind;
    this.number = place.number;
    this.words = place.words;
    this.at = place.at;
    this.generation = generation;
    this.serial = kind.serial;
    this.lasting = kind.lasting;
  }

  /** The agent's wait entry for this cell, if filled. */
  get waitEntry(): Entry | undefined {
    return this.entry;
  }

  /** Calls of this agent that wait. */
  get waiting(): number {
    return this.blocked + this.awaiting;
  }

  /** Whether a call awaits its turn. */
  get hasFlows(): boolean {
    return this.flows.size > 0;
  }

  /** The facts on the object for monitors. */
  about(): ObjectOfMessage {
    const { name, label, kind, agent, number } = this;
    return { name: name ?? label ?? null, kind: kind.name, folder: agent.folder, cell: number };
  }

  drawTicket(): number {
    return add(this.words, this.at + CELL_TICKETS, 1);
  }

  /** Fills or updates the wait entry for one more call. Every `enter` needs its `leave`. */
  enter(how: number, ticket: number): void {
    const since = commonTime();
    if (how === BLOCKING_BIT) {
      this.blocked++;
      this.blockedTicket = ticket;
      this.blockedSince = since;
    } else {
      this.agent.hangBell();
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
  get ownDetail(): number {
    return this.detail;
  }

  /**
   * The primitive's facts about the waiting calls, for others to read: part of the wait entry.
   */
  setDetail(detail: number): void {
    this.detail = detail;
    if (this.entry !== undefined) store(this.entry.words, this.entry.at + ENTRY_DETAIL, detail);
  }

  /**
   * Awaits the object by `wait`, with the entry filled by `enter(AWAITING_BIT)`; leaves the entry
   * in every case. Resolves to `false` on a timeout, rejects with the signal's reason.
   */
  await(wait: Wait, ticket: number, deadline: Deadline, keeper: object): Promise<boolean> {
    const first = !this.serial || this.flows.size === 0;
    // Take the object if it is free and no earlier call waits.
    if (first && wait.attempt(PRESSURE.NONE)) {
      this.leave(AWAITING_BIT);
      wait.taken();
      return Promise.resolve(true);
    }
    // Queue a flow with the facts of this call.
    const { promise, resolve, reject } = withResolvers<boolean>();
    const origin = noteOrigin();
    if (!deadline.unlimited) deadline.origin ??= origin;
    const since = now();
    const request = requestBegins(() => this.about(), wait.shared === true ? 'shared' : 'exclusive', false);
    const flow: Flow = {
      wait,
      ticket,
      since,
      deadline,
      keeper,
      origin,
      resolve(taken) {
        request?.over(taken);
        resolve(taken);
      },
      reject(reason) {
        request?.failed(reason);
        reject(reason);
      },
      stopTimer: undefined,
      ignoreAbort: undefined,
    };
    this.flows.add(flow);
    if (!deadline.unlimited) this.timedFlows++;
    // Fill the wait entry, and only then look again.
    this.refresh(ticket, commonTime(since));
    this.agent.beginAwaiting();
    // Start the timeout, and refuse a wait that can never end.
    this.watch(flow);
    this.refuse(flow);
    return promise;
  }

  /** Serves the awaiting calls that can be served now. */
  dispatch(impatient: boolean): void {
    // A call is left alone if it was not rung since the last poll, and found the object free then.
    // A call that polls while another waiter comes is not.
    const untouched = impatient && this.seenFree;
    this.seenFree = impatient && this.serial && this.looksFree();
    for (const flow of this.flows) {
      const long = now() - flow.since > FAIRNESS_AFTER;
      const pressure: Pressure = untouched ? PRESSURE.IMPATIENT : long ? PRESSURE.FAIR : PRESSURE.NONE;
      if (!this.serve(flow, pressure) && this.serial) return;
    }
  }

  /** When and where its awaiting calls began, in their order. */
  callsBegun(): { since: number; origin: Origin }[] {
    return [...this.flows].map(({ since, origin }) => ({ since, origin }));
  }

  /** Whether a call has awaited for so many milliseconds. */
  hasLasted(milliseconds: number): boolean {
    const head = this.flows.values().next().value;
    return head !== undefined && now() - head.since >= milliseconds;
  }

  /**
   * Whether the object was free at the last unrequested poll: at the next poll the call takes it.
   */
  get isRestless(): boolean {
    return this.seenFree;
  }

  /**
   * Whether no other agent's call came before this agent's calls; always true where order is
   * irrelevant.
   */
  get isFirst(): boolean {
    const { serial, entry } = this;
    if (!serial || entry === undefined) return true;
    const ticket = load(entry.words, entry.at + ENTRY_TICKET);
    const { namespace, slot } = this.agent;
    return waitersOf(namespace, this).every(
      (other) => other.slot === slot || !isBefore(load(other.words, other.at + ENTRY_TICKET), ticket),
    );
  }

  /** Slot of an agent that has to act for the first awaiting call, if one is known; 0 none. */
  suspect(): number {
    return this.flows.values().next().value?.wait.suspect() ?? 0;
  }

  /** Rejects all awaiting calls, each with an error of its own. */
  rejectEach(reason: () => Error): void {
    for (const flow of this.flows) {
      this.giveUp(flow);
      flow.reject(withOrigin(reason(), flow.origin));
    }
  }

  /**
   * Checks whether an awaiting call would wait forever. Returns whether one would; that call was
   * refused.
   */
  check(): boolean {
    for (const flow of this.flows) if (this.refuse(flow)) return true;
    return false;
  }

  /** Rejects the awaiting calls made through `keeper`, or all. */
  rejectAll(keeper: object | undefined, what: string): void {
    for (const flow of this.flows) {
      if (keeper !== undefined && flow.keeper !== keeper) continue;
      this.giveUp(flow);
      const error = new ClosedError(
        `${what}: the wait was given up, the object was closed meanwhile; wait before closing`,
      );
      flow.reject(withOrigin(error, flow.origin));
    }
  }

  /**
   * Hands on a wake-up that the awaiting calls can't use, because their thread is about to block.
   */
  passOn(): void {
    for (const { wait } of this.flows) {
      if (this.serial) wait.abandon();
      else wait.passOn?.();
      return;
    }
  }

  /**
   * A cell that stands for no object: that of a closed object, while other objects of this agent
   * may still use the real cell.
   */
  closedTwin(): Cell {
    const twin = new Cell(this.agent, this, this.kind, this.generation);
    twin.label = this.label;
    twin.detach();
    return twin;
  }

  /** Removes the words, so that this object can no longer change them. */
  detach(): void {
    this.closed = true;
    this.words = CLOSED_WORDS;
    this.at = 0;
  }

  /** Empties the wait entry. */
  dropEntry(): void {
    if (this.entry === undefined) return;
    this.agent.table.empty(this.entry);
    this.entry = undefined;
  }

  /** Polls for the first of the queue, and checks that its holder lives. */
  private looksFree(): boolean {
    const first = this.flows.values().next().value;
    if (first === undefined) return false;
    try {
      // Free a word that names an empty slot first.
      freeOfNobody(this.agent, this, first.wait.suspect());
      return first.wait.peek();
    } catch (error) {
      this.fail(first, error);
      return false;
    }
  }

  /** Serves the call if it can be served now; returns whether it is over. */
  private serve(flow: Flow, pressure: Pressure): boolean {
    try {
      if (!flow.wait.attempt(pressure)) return false;
      // Remove the flow before its promise resolves.
      this.end(flow);
      flow.wait.taken();
      flow.resolve(true);
    } catch (error) {
      this.fail(flow, error);
    }
    return true;
  }

  /**
   * Rejects the call's promise. The bell or timer that served the call has no caller to throw to.
   */
  private fail(flow: Flow, error: unknown): void {
    if (this.flows.has(flow)) this.end(flow);
    flow.reject(error instanceof LockstepError ? withOrigin(error, flow.origin) : error);
  }

  private refuse(flow: Flow): boolean {
    const error = flow.wait.check?.(flow.ticket);
    if (error === undefined) return false;
    this.giveUp(flow);
    flow.reject(withOrigin(error, flow.origin));
    return true;
  }

  private watch(flow: Flow): void {
    const { deadline } = flow;
    if (deadline.timed) flow.stopTimer = afterMilliseconds(deadline.remaining, () => this.timeOut(flow));
    const { signal } = deadline;
    if (signal === undefined) return;
    flow.ignoreAbort = onAbort(signal, () => {
      this.giveUp(flow);
      flow.reject(signal.reason);
    });
  }

  private timeOut(flow: Flow): void {
    const { namespace } = this.agent;
    const first = !this.serial || this.flows.values().next().value === flow;
    try {
      sweepIfDue(this.agent);
    } catch (error) {
      // Nobody could catch an error here, and the timeout has passed all the same.
      if (!namespace.isRemoved) process.emitWarning(error as Error);
    }
    if (!this.flows.has(flow) || (first && this.serve(flow, PRESSURE.NONE))) return;
    this.giveUp(flow);
    if (namespace.isRemoved) flow.reject(withOrigin(namespace.removed(), flow.origin));
    else flow.resolve(false);
  }

  private giveUp(flow: Flow): void {
    flow.wait.resign?.();
    this.end(flow);
    flow.wait.abandon();
  }

  private end(flow: Flow): void {
    this.flows.delete(flow);
    if (!flow.deadline.unlimited) this.timedFlows--;
    flow.stopTimer?.();
    flow.ignoreAbort?.();
    this.leave(AWAITING_BIT);
    this.agent.endAwaiting();
  }

  /** `ticket` and `since` belong to a call that is not in `flows` and does not block. */
  private refresh(ticket: number, since: number): void {
    const calls = this.blocked + this.awaiting;
    // No call waits: give the entry back.
    if (calls === 0 && !this.lasting) {
      this.dropEntry();
      return;
    }
    // Find the ticket and the beginning of the oldest call.
    const head = this.flows.values().next().value;
    const status = this.statusOf(calls);
    const oldest = head?.ticket ?? (this.blocked > 0 ? this.blockedTicket : ticket);
    const from = head !== undefined ? commonTime(head.since) : this.blocked > 0 ? this.blockedSince : since;
    // Fill a new entry, or bring the present one up to date.
    if (this.entry === undefined) {
      if (calls > 0) this.entry = this.agent.table.fill(this.number, oldest, status, this.detail, from);
      return;
    }
    if (from !== 0) this.agent.table.noteSince(this.entry, from);
    store(this.entry.words, this.entry.at + ENTRY_TICKET, oldest);
    if (load(this.entry.words, this.entry.at + ENTRY_STATUS) !== status) {
      store(this.entry.words, this.entry.at + ENTRY_STATUS, status);
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
    return this.blocked > 0 ? this.blockedTimed : this.timedFlows > 0;
  }
}
