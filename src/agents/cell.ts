/**
 * Cell: one agent's end of a shared object: its words, its wait entry (own-entry.ts), and the calls
 * of this agent that await it (awaiting-calls.ts).
 */

import { add, load } from '#atomics';
import type { ObjectOfMessage } from '../channels.ts';
import type { Deadline } from '../deadline.ts';
import type { Words } from '../memory/atomics.ts';
import { CELL_TICKETS, CELL_WORDS, ENTRY_TICKET } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { Origin } from '../stacks.ts';
import type { AgentHost } from './agent-host.ts';
import { AwaitingCalls } from './awaiting-calls.ts';
import type { Kind } from './kinds.ts';
import { OwnEntry } from './own-entry.ts';
import type { Wait } from './wait.ts';
import type { Entry } from './wait-table.ts';
import { isBefore, waitersOf } from './waiters.ts';

/**
 * The values that a closed cell's words have: no fast path can take anything from it, and the slow
 * path says why.
 */
const CLOSED_WORDS: Words = new Int32Array(CELL_WORDS).fill(-1);

/**
 * For the errors of `postMessage` and `workerData`, which can't copy an object: V8 names the first
 * symbol that it meets.
 */
const UNCLONEABLE = Symbol(
  'an object of Lockstep is in shared memory and has no copy; send its handle, and open that there: Lock.open(handle)',
);

/** The agent of a cell. */
export type Host = AgentHost<Cell>;

export class Cell implements Place {
  /** The first field, because V8 reports the first that it can't clone. */
  readonly uncloneable: symbol = UNCLONEABLE;
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

  private readonly calls: AwaitingCalls;
  private readonly own: OwnEntry;

  constructor(agent: Host, place: Place, kind: Kind, generation: number) {
    this.agent = agent;
    this.kind = kind;
    this.number = place.number;
    this.words = place.words;
    this.at = place.at;
    this.generation = generation;
    this.serial = kind.serial;
    this.calls = new AwaitingCalls(this);
    this.own = new OwnEntry(this, this.calls);
  }

  /** The agent's wait entry for this cell, if filled. */
  get waitEntry(): Entry | undefined {
    return this.own.entry;
  }

  /** Calls of this agent that wait. */
  get waiting(): number {
    return this.own.waiting;
  }

  /** Whether a call awaits its turn. */
  get hasFlows(): boolean {
    return this.calls.any;
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
    this.own.enter(how, ticket);
  }

  leave(how: number): void {
    this.own.leave(how);
  }

  /** Brings the wait entry up to date, for a call that has that ticket. */
  refresh(ticket: number, since: number): void {
    this.own.refresh(ticket, since);
  }

  /** The call that is about to block the thread ends by itself, if its deadline says so. */
  timeBlocked(deadline: Deadline): void {
    this.own.timeBlocked(deadline);
  }

  /** The detail that `setDetail` has set last. */
  get ownDetail(): number {
    return this.own.detail;
  }

  /**
   * The primitive's facts about the waiting calls, for others to read: part of the wait entry.
   */
  setDetail(detail: number): void {
    this.own.setDetail(detail);
  }

  /** Empties the wait entry. */
  dropEntry(): void {
    this.own.empty();
  }

  /**
   * Awaits the object by `wait`, with the entry filled by `enter(AWAITING_BIT)`; leaves the entry
   * in every case. Resolves to `false` on a timeout, rejects with the signal's reason.
   */
  await(wait: Wait, ticket: number, deadline: Deadline, keeper: object): Promise<boolean> {
    return this.calls.await(wait, ticket, deadline, keeper);
  }

  /** Serves the awaiting calls that can be served now. */
  dispatch(impatient: boolean): void {
    this.calls.dispatch(impatient);
  }

  /** When and where its awaiting calls began, in their order. */
  callsBegun(): { since: number; origin: Origin }[] {
    return this.calls.begun();
  }

  /** Whether a call has awaited for so many milliseconds. */
  hasLasted(milliseconds: number): boolean {
    return this.calls.haveLasted(milliseconds);
  }

  /**
   * Whether the object was free at the last unrequested poll: at the next poll the call takes it.
   */
  get isRestless(): boolean {
    return this.calls.areRestless;
  }

  /**
   * Whether no other agent's call came before this agent's calls; always true where order is
   * irrelevant.
   */
  get isFirst(): boolean {
    const { serial, waitEntry: entry } = this;
    if (!serial || entry === undefined) return true;
    const ticket = load(entry.words, entry.at + ENTRY_TICKET);
    const { namespace, slot } = this.agent;
    return waitersOf(namespace, this).every(
      (other) => other.slot === slot || !isBefore(load(other.words, other.at + ENTRY_TICKET), ticket),
    );
  }

  /** Slot of an agent that has to act for the first awaiting call, if one is known; 0 none. */
  suspect(): number {
    return this.calls.suspect();
  }

  /** Rejects all awaiting calls, each with an error of its own. */
  rejectEach(reason: () => Error): void {
    this.calls.rejectEach(reason);
  }

  /**
   * Checks whether an awaiting call would wait forever. Returns whether one would; that call was
   * refused.
   */
  check(): boolean {
    return this.calls.check();
  }

  /** Rejects the awaiting calls made through `keeper`, or all. */
  rejectAll(keeper: object | undefined, what: string): void {
    this.calls.rejectAll(keeper, what);
  }

  /**
   * Hands on a wake-up that the awaiting calls can't use, because their thread is about to block.
   */
  passOn(): void {
    this.calls.passOn();
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
}
