/**
 * Agent: one thread of one process taking part in one namespace: its slot, its liveness lock, its
 * bell, its open cells.
 *
 * The liveness lock is the kernel's, of the byte of the file `control` that has the slot's number.
 * The agent holds it from joining to its end. However the thread ends, the kernel frees the lock.
 * Others see the end immediately through the agent's life (life.ts).
 */

import { store } from '#atomics';
import { clearImmediate, queueMicrotask, setImmediate } from '#clock';
import type { Words } from '../memory/atomics.ts';
import { AGENT_AWAITS, AGENT_BLOCKED_ON, agentWord } from '../memory/layout.ts';
import type { Named, Place } from '../memory/place.ts';
import type { Berth } from '../namespaces/berth.ts';
import type { Bell, Bells } from '../namespaces/doorbell.ts';
import { EVERYTHING, takeMissed } from '../namespaces/doorbell.ts';
import type { OwnLife } from '../namespaces/life.ts';
import { pruneNames } from '../namespaces/names.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { turnIfDue } from '../turns.ts';
import { Cell } from './cell.ts';
import type { Kind } from './kinds.ts';
import { Lookout } from './lookout.ts';
import { reap, wakeEverybody } from './reaper.ts';
import { sitDown, takeSlot } from './slot.ts';
import { WaitTable } from './wait-table.ts';
import type { Waker } from './waiters.ts';
import { wakeAll } from './waiters.ts';
import { requestsIn, writeWhereabouts } from './whereabouts.ts';

export class Agent implements Waker {
  readonly namespace: Namespace;
  readonly folder: string;
  readonly slot: number;
  readonly name: string;
  readonly words: Words;
  readonly base: number;
  readonly table: WaitTable;
  /** The cells that this agent has open. */
  readonly cells: Map<number, Cell> = new Map();
  readonly beforeBlocking: Set<() => void> = new Set();

  private readonly life: OwnLife;
  private readonly lookout: Lookout;
  private bed: Berth | undefined;
  private readonly bells: Bells;
  private doorbell: Bell | undefined;
  private awaiting = 0;
  private left = false;
  /** Own cells to poll as soon as the running code returns. */
  private readonly pending = new Set<number>();
  private everything: NodeJS.Immediate | undefined;
  /** Requests to write down where this thread is, as of the last look. */
  private requests: number;

  /**
   * Joins the namespace. `about`: the description of its program (about.ts). Throws
   * `ExhaustedError` when all slots are taken by living agents.
   */
  constructor(namespace: Namespace, name: string, about: string) {
    this.namespace = namespace;
    this.folder = namespace.folder;
    this.words = namespace.words;
    this.name = name;
    const { slot, cleared } = takeSlot(namespace);
    this.slot = slot;
    this.base = agentWord(slot);
    this.table = new WaitTable(namespace, slot);
    this.bells = namespace.bells();
    this.lookout = new Lookout(this);
    try {
      // Before the agent's life begins, because that replaces the dead agent's (life.ts).
      if (cleared) wakeEverybody(this);
      this.life = namespace.beginLife(slot);
    } catch (error) {
      namespace.unlockSlot(slot);
      throw error;
    }
    this.requests = requestsIn(namespace.words);
    sitDown(namespace, slot, name, about);
  }

  /** Whether calls of this agent await something. */
  get hasAwaiting(): boolean {
    return this.awaiting > 0;
  }

  /**
   * The cell for which the thread is blocked: -1 for anything but a cell, 0 if it is not blocked.
   */
  set blockedOn(cell: number) {
    store(this.words, this.base + AGENT_BLOCKED_ON, cell);
  }

  /** The cell that this thread awaits while it does nothing else; 0 if there is none. */
  set awaitsOnly(cell: number) {
    store(this.words, this.base + AGENT_AWAITS, cell);
    onlyAwaiting = cell === 0 ? undefined : this;
  }

  /** Calls of this agent that await something. */
  get awaitingCalls(): number {
    return this.awaiting;
  }

  get hasLeft(): boolean {
    return this.left;
  }

  ring(slot: number, cell: number): void {
    if (slot !== this.slot) {
      if (!this.bells.ring(slot, cell)) this.life.shout();
      return;
    }
    if (this.pending.size === 0) {
      const turn = turnIfDue();
      if (turn === undefined) queueMicrotask(() => this.answerPending());
      else void turn.then(() => this.answerPending());
    }
    this.pending.add(cell);
  }

  rouse(slot: number): void {
    if (!this.bells.rouse(slot)) this.life.shout();
  }

  lookAgain(): void {
    if (this.awaiting > 0) this.lookout.lookAgain();
  }

  /** Where this agent's thread sleeps for long. */
  get berth(): Berth {
    this.bed ??= this.namespace.berth(this.slot);
    return this.bed;
  }

  /**
   * Hangs the bell. Must come before the wait entry of an awaiting call: a ring before that is
   * lost.
   */
  hangBell(): Bell {
    this.doorbell ??= this.namespace.hangBell(this.slot, (cell) => this.answer(cell));
    return this.doorbell;
  }

  /** One more call awaits: the bell keeps the event loop running until the last one has ended. */
  beginAwaiting(): void {
    if (onlyAwaiting !== undefined) onlyAwaiting.awaitsOnly = 0;
    this.lookout.begin();
    if (this.awaiting++ > 0) return;
    this.hangBell().keepAlive(true);
  }

  endAwaiting(): void {
    if (onlyAwaiting !== undefined) onlyAwaiting.awaitsOnly = 0;
    if (--this.awaiting > 0) return;
    this.doorbell?.keepAlive(false);
  }

  /**
   * Hands on the rings that came while the thread is about to block, because its event loop can't
   * answer them. Call after `blockedOn` is set. A ringer that sees it then picks another waiter. A
   * ringer that does not see it has rung before this drains.
   */
  passRings(): void {
    // PUBLISH blocked on -> ring
    if (this.awaiting === 0 || this.doorbell === undefined) return;
    const rung = new Set(this.pending);
    this.handOver = rung;
    try {
      this.doorbell.drain();
    } finally {
      this.handOver = undefined;
    }
    const all = rung.has(EVERYTHING);
    for (const cell of this.cells.values()) {
      if (cell.hasFlows && (all || rung.has(cell.number))) cell.passOn();
    }
  }

  /** Polls for all awaiting calls as soon as the event loop runs again. */
  resume(): void {
    // Missed rings need no record from here on: this polls all objects.
    takeMissed(this.namespace, this.slot);
    if (this.awaiting === 0 || this.everything !== undefined) return;
    this.everything = setImmediate(() => {
      this.everything = undefined;
      this.answer(EVERYTHING);
    });
  }

  /** Closes this agent's end of the cell. */
  closeCell(cell: Cell): void {
    if (cell.closed) return;
    const { namespace, slot } = this;
    const place = namespace.arena.place(cell.number);
    const { kind, waitEntry } = cell;
    // Withdraw the waits of this agent.
    this.cells.delete(cell.number);
    if (waitEntry !== undefined) kind.withdraw?.(namespace, place, slot, waitEntry.words, waitEntry.at);
    cell.dropEntry();
    cell.detach();
    // Free what it holds, and wake up the waiters.
    kind.recover?.(namespace, place, slot);
    wakeAll(this, place);
    // Clear the open bit; the last agent to do so ends the object.
    const ended = namespace.arena.close(place, slot);
    cell.onClosed?.();
    // Close the parts that no other cell needs.
    for (const part of cell.parts) if (--part.references <= 0) this.closeCell(part);
    this.tellOfEnds(ended && kind.endIsAwaited === true);
  }

  /**
   * Lowers the counts of the objects that a removed item named, and ends those that only it kept.
   */
  unkeep(names: readonly Named[]): void {
    const { arena } = this.namespace;
    for (const named of names) arena.unkeep(named, this.slot);
    this.tellOfEnds(false);
  }

  /** Wakes all waiters when an object has ended, as they may wait for that end. */
  private tellOfEnds(ended: boolean): void {
    const dropped = this.namespace.arena.tookDropped();
    if (dropped) pruneNames(this.namespace);
    if (dropped || ended) wakeEverybody(this);
  }

  /** Makes an object of the kind; `init` fills its body before anyone can see it. */
  create(type: Kind, init: (place: Place) => void): Cell {
    const { arena } = this.namespace;
    // Claim a cell, fill it, and publish it only then.
    const place = arena.claim(type.bits, this.slot);
    try {
      init(place);
    } catch (error) {
      arena.free(place, this.slot);
      throw error;
    }
    const generation = arena.publish(place, this.slot);
    return this.keep(new Cell(this, place, type, generation));
  }

  /** Opens the object if it still exists. */
  open(type: Kind, number: number, generation: number): Cell | undefined {
    const known = this.cells.get(number);
    if (known !== undefined)
      return known.generation === generation && known.kind.number === type.number ? known : undefined;
    const { arena } = this.namespace;
    if (!(number >= 1 && number <= arena.bump)) return undefined;
    const place = arena.place(number);
    if (!arena.open(place, type.number, generation, this.slot)) return undefined;
    const cell = this.keep(new Cell(this, place, type, generation));
    // PUBLISH open -> entry: waiters watch every agent that has the object open, and from now on
    // also this one.
    wakeAll(this, place);
    return cell;
  }

  private keep(cell: Cell): Cell {
    this.cells.set(cell.number, cell);
    return cell;
  }

  /**
   * Leaves the namespace: gives back everything, as the reaper would, and removes the folder if
   * this was the last agent.
   */
  leave(): void {
    if (this.left) return;
    this.left = true;
    // Stop all watching before the memory goes.
    this.lookout.close();
    clearImmediate(this.everything);
    this.doorbell?.close();
    for (const cell of this.cells.values()) cell.detach();
    this.cells.clear();
    // Clear up after itself, as a reaper would, and give up the slot.
    reap(this.namespace, this.slot, this.slot);
    this.namespace.unlockSlot(this.slot);
    wakeEverybody(this);
    // Close the descriptors; other agents see the end of the FIFO.
    this.bells.close();
    this.bed?.close();
    this.life.close();
    this.namespace.leave();
  }

  private handOver: Set<number> | undefined;

  tellWhereIfAsked(isBlocked: boolean): void {
    const requests = requestsIn(this.words);
    if (requests === this.requests) return;
    this.requests = requests;
    writeWhereabouts(this, isBlocked);
  }

  /** Polls for the awaiting calls of the cell, or for all. */
  answer(cell: number): void {
    if (this.handOver !== undefined) {
      this.handOver.add(cell);
      return;
    }
    if (cell === EVERYTHING) this.tellWhereIfAsked(false);
    if (cell !== EVERYTHING) {
      this.cells.get(cell)?.dispatch(false);
      return;
    }
    for (const each of [...this.cells.values()]) each.dispatch(false);
  }

  private answerPending(): void {
    const cells = [...this.pending];
    this.pending.clear();
    for (const cell of cells) this.answer(cell);
  }
}

/** The agent whose `awaitsOnly` is set, if any. */
let onlyAwaiting: Agent | undefined;
