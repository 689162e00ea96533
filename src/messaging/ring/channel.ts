/**
 * Channel: a ring with the gates of its waiters. Queues and both directions of a pipe are made of
 * channels.
 *
 *   word  name             bits                                   written by
 *   +0    STATE            30 WAITERS | 29 CLOSED | 28 CARRIED    the takers' gate (gate.ts)
 *   +1    TICKETS          counter                                waiters
 *   +2    LOCK             cell of the lock to put                the creator
 *   +3    LOCK_GENERATION                                         the creator
 *   +4    GATE             cell of the putters' gate              the creator
 *   +5    GATE_GENERATION                                         the creator
 *
 * A value is put in while the lock is held, and all of it in one turn of the event loop. A call
 * that awaits the lock puts as soon as it gets the lock, in the same step (`LockedPut`). So no lock
 * is held while other code runs, except getters of the value itself. Where producers contend, each
 * writes its value into its own memory first (`putPrepared`), and holds the lock for the copy only.
 *
 * Race: PUTS is written by a store that releases, which a load of WAITERS may overtake. So an item
 * is announced only after the lock was released, by a compare-and-swap, which nothing overtakes.
 */

import { cas, load } from '#atomics';
import type { Cell, Host } from '../../agents/cell.ts';
import type { Kind, KindOptions } from '../../agents/kinds.ts';
import { defineKind } from '../../agents/kinds.ts';
import { MOMENT } from '../../agents/wait.ts';
import { CHECKS_ARGUMENTS } from '../../checks.ts';
import { warnOfLosses } from '../../codec/losses.ts';
import { Deadline } from '../../deadline.ts';
import { ClosedError, StateError } from '../../errors.ts';
import type { Place } from '../../memory/arena.ts';
import { damaged } from '../../memory/damage.ts';
import { CELL_BODY, CELL_GENERATION, CELL_STATE } from '../../memory/layout.ts';
import { detachData } from '../../namespaces/data-files.ts';
import { notePart, openPart, partExists } from '../../objects/parts.ts';
import { LOCK_KIND } from '../../sync/lock/lock.ts';
import { RawLock } from '../../sync/lock/raw-lock.ts';
import { idle } from '../../waiting/blocking.ts';
import type { Taking } from '../../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../../waiting/taking.ts';
import { Far } from './far.ts';
import { Gate } from './gate.ts';
import { ringOfKind } from './kept-items.ts';
import { LockedPut, patient } from './locked-put.ts';
import type { Outgoing } from './outgoing.ts';
import { Ring } from './ring.ts';
import { NOTHING, RingReader } from './ring-reader.ts';
import { HEADER_BYTES, RingWriter } from './ring-writer.ts';
import type { Put, RoomWait } from './room-wait.ts';
import { waitForRoom } from './room-wait.ts';

/** In the cell of the producing side: the queue. */
export const QUEUE_WORD: number = CELL_BODY;
const LOCK_WORD: number = CELL_BODY + 2;
const GATE_WORD: number = CELL_BODY + 4;
/** In the cell of the putters' gate: the joiners' gate. */
const JOIN_WORD: number = CELL_BODY + 2;
/** In the same cell: the producing side, if the queue ends with its producers. */
const PRODUCER_WORD: number = CELL_BODY + 4;
/** Bytes that are backed by memory at first. */
const FIRST_RESERVE = 256 * 1024;
/**
 * Number of puts for which contention is expected after one put has met another; number of tries
 * then, and nanoseconds between them.
 */
const CONTENDED_PUTS = 100;
const MOST_TRIES = 8;
const PAUSE = 100;
/**
 * Number of items that justify a poll of the ring in a stream, and iterations of the longest pause
 * until there are so many.
 */
const ENOUGH_AT_ONCE = 16;
const LONGEST_PAUSE = 8000;
/** Number of items above which no putter waits for one more place. */
const MANY = 16;

/**
 * Items that this thread has put anywhere: a thread that puts between two takes may be waiting for
 * the reply.
 */
let putsOfThread = 0;

export interface ChannelOptions {
  /** Bytes of the ring, a power of two. */
  readonly capacity: number;
  /** Maximum number of items; 0: no limit. */
  readonly most: number;
  /** Whether it has a producing side, and ends when no thread has that open. */
  readonly endsWithProducers?: boolean;
}

export class Channel {
  readonly cell: Cell;
  readonly ring: Ring;
  /** The waiters for an item. */
  readonly items: Gate;
  /** The waiters for room. */
  readonly rooms: Gate;
  /** The waiters until all items are done. */
  readonly joins: Gate;
  readonly title: string;
  /** Whether it ends with its producers: only threads with its producing side open may put. */
  readonly endsWithProducers: boolean;
  private readonly lock: RawLock;
  private readonly writer: RingWriter;
  private readonly reader: RingReader;
  private writing = false;
  /** Puts that are yet to be prepared before the lock is taken. */
  private contended = 0;
  /** `putsOfThread` when this thread last took an item. */
  private putsAtTaking = -1;
  /** Number of items taken so far; that number at the last wait; the pause then. */
  private takings = 0;
  private takingsAtWait = 0;
  private pause: number = MOMENT;

  private constructor(cell: Cell, title: string) {
    this.cell = cell;
    this.title = title;
    // Open the cells that the queue is made of.
    const part = (type: Kind, place: Place, word: number): Cell => {
      const found = openPart(cell, type, place, word, title);
      if (found !== undefined) return found;
      throw damaged(title, `its word ${word} names no cell of a ${type.name}, and always does`);
    };
    this.items = new Gate(cell);
    this.rooms = new Gate(part(GATE_KIND, cell, GATE_WORD));
    this.endsWithProducers = load(this.rooms.cell.words, this.rooms.cell.at + PRODUCER_WORD) > 0;
    this.joins = new Gate(part(GATE_KIND, this.rooms.cell, JOIN_WORD));
    this.lock = RawLock.of(part(LOCK_KIND, cell, LOCK_WORD));
    // Map the ring.
    const { buffer } = cell.agent.namespace.mapAllData(cell, HEADER_BYTES);
    cell.onClosed = () => detachData(buffer, false);
    // Build the ring with its two ends.
    this.ring = new Ring(new Int32Array(buffer), 0, title);
    const bytes = Buffer.from(buffer);
    const far = new Far(cell.agent.namespace.directory, cell);
    this.writer = new RingWriter(cell, this.ring, bytes, far, title);
    this.reader = new RingReader(cell, this.ring, bytes, far, title, () => this.taken());
  }

  /** The cell's Channel: one in each agent. Throws `StaleHandleError`, `LayoutError`. */
  static of(cell: Cell, title: string): Channel {
    if (cell.extension instanceof Channel) return cell.extension;
    const made = new Channel(cell, title);
    cell.extension = made;
    return made;
  }

  /**
   * Fills a cell that is just being made; its parts stay open with it. Throws `NoSpaceError`, with
   * nothing left.
   */
  static init(place: Place, agent: Host, { capacity, most, endsWithProducers }: ChannelOptions): void {
    const bytes = HEADER_BYTES + capacity;
    const reserve = Math.min(bytes, FIRST_RESERVE);
    const made: Cell[] = [];
    const part = (of: Place, word: number, type: Kind, init: (place: Place) => void = () => {}): void => {
      const cell = agent.create(type, init);
      made.push(cell);
      notePart(of, word, cell);
    };
    try {
      // Make the lock and the gates, then the file of the ring.
      part(place, LOCK_WORD, LOCK_KIND);
      part(place, GATE_WORD, GATE_KIND, (rooms) => {
        part(rooms, JOIN_WORD, GATE_KIND);
        if (endsWithProducers !== true) return;
        const generation = load(place.words, place.at + CELL_GENERATION);
        part(rooms, PRODUCER_WORD, PRODUCER_KIND, (producer) =>
          notePart(producer, QUEUE_WORD, { number: place.number, generation }),
        );
      });
      agent.namespace.makeData(place, bytes, { reserve, content: Ring.header(capacity, most, reserve) });
    } catch (error) {
      // Undo the parts that were made.
      for (const cell of made) agent.closeCell(cell);
      throw error;
    }
  }

  /** Whether it ends with its producers, and none is left. */
  get abandoned(): boolean {
    const { cell } = this.rooms;
    return this.endsWithProducers && !partExists(cell, cell, PRODUCER_WORD, PRODUCER_KIND.number);
  }

  /**
   * Whether the producing side is open here, and nothing stands for it yet: it was made with the
   * queue, just now.
   */
  get hasFreshProducer(): boolean {
    const { agent, words, at } = this.rooms.cell;
    return this.endsWithProducers && agent.cells.get(load(words, at + PRODUCER_WORD))?.references === 0;
  }

  /**
   * The cell of the producing side, which is opened here if needed; `undefined`: no agent has it
   * open.
   */
  openProducer(): Cell | undefined {
    const { agent, words, at } = this.rooms.cell;
    return agent.open(PRODUCER_KIND, load(words, at + PRODUCER_WORD), load(words, at + PRODUCER_WORD + 1));
  }

  // Taking.

  /**
   * Takes the oldest item; `NOTHING`: there is none. Never waits. Throws as `RingReader.take` does.
   */
  take(): unknown {
    return this.reader.take();
  }

  /**
   * Waits for an item; `NOTHING`: the time has passed, or `over` returned `true` because none will
   * come. *Blocks*.
   */
  takeSync(deadline: Deadline, over: () => boolean): unknown {
    const value = this.take();
    if (value !== NOTHING || deadline.expired || over()) return value === NOTHING ? this.take() : value;
    const { wait, outcome } = this.waitToTake(over);
    return takeBlocking(this.cell, wait, deadline) ? outcome() : NOTHING;
  }

  /** The same; the event loop continues. */
  async takeLater(deadline: Deadline, over: () => boolean, keeper: object): Promise<unknown> {
    const value = this.take();
    if (value !== NOTHING || deadline.expired || over()) return value === NOTHING ? this.take() : value;
    const { wait, outcome } = this.waitToTake(over);
    return (await takeAwaiting(this.cell, wait, deadline, keeper)) ? outcome() : NOTHING;
  }

  // Putting.

  /**
   * Puts the value if that is possible immediately, as it mostly is; `false`: the caller has to
   * take the slow path.
   */
  putAtOnce(value: unknown): boolean {
    if (CHECKS_ARGUMENTS) warnOfLosses(value, `${this.title}:`, 'the item');
    if (this.writing) return false;
    if (this.contended > 0) return this.putPrepared(value);
    const { words, at } = this.lock.cell;
    // Take the put lock, or let the slow path queue for it.
    if (cas(words, at + CELL_STATE, 0, this.lock.me) !== 0) {
      this.contended = CONTENDED_PUTS;
      return false;
    }
    let put = false;
    this.writing = true;
    try {
      // Write the item, and release in every case.
      put = !this.items.isClosedWithLock && this.writer.writeInPlace(value);
    } finally {
      this.writing = false;
      this.release();
    }
    // Wake up a taker only after the release.
    if (put) this.announcePut();
    return put;
  }

  /**
   * Puts; `false`: there was no room in time, or `gone` returned `true` because no taker is left.
   * Throws `ClosedError` where it is closed. *Blocks*.
   */
  putSync(out: Outgoing, deadline: Deadline, gone: () => boolean = never): boolean {
    for (;;) {
      let put = this.tryPut(out);
      if (put === undefined) {
        // The lock is taken: queue for it, and put as its holder.
        const locked = new LockedPut(this.lock, this, () => this.writeAndRelease(out));
        if (!takeBlocking(this.lock.cell, locked, patient(deadline))) return false;
        put = locked.outcome();
      }
      if (this.isPut(put)) return true;
      // The ring is full: wait for room, and put in the same step.
      if (deadline.expired || gone()) return false;
      const { wait, outcome } = this.roomWait(out, gone);
      if (!takeBlocking(this.rooms.cell, wait, deadline)) return false;
      if (this.isPut(outcome())) return true;
    }
  }

  /**
   * The same; the event loop continues. `gone` also has to tell that `keeper` was closed: after a
   * wait the channel may be closed here, too.
   */
  async putLater(out: Outgoing, deadline: Deadline, keeper: object, gone: () => boolean): Promise<boolean> {
    try {
      return await this.putKept(out, deadline, keeper, gone);
    } finally {
      out.letGo();
    }
  }

  private async putKept(
    out: Outgoing,
    deadline: Deadline,
    keeper: object,
    gone: () => boolean,
  ): Promise<boolean> {
    for (;;) {
      let put = this.tryPut(out);
      if (put === undefined) {
        out.keep();
        const locked = new LockedPut(this.lock, this, () => this.writeAndRelease(out));
        if (!(await takeAwaiting(this.lock.cell, locked, patient(deadline), keeper))) return false;
        put = locked.outcome();
      }
      if (this.isPut(put)) return true;
      if (deadline.expired || gone()) return false;
      out.keep();
      const { wait, outcome } = this.roomWait(out, gone);
      if (!(await takeAwaiting(this.rooms.cell, wait, deadline, keeper))) return false;
      if (this.isPut(outcome())) return true;
      if (gone()) return false;
    }
  }

  /** Sets the cell that every taker of this channel has open. */
  setReceiver(number: number): void {
    this.writer.setReceiver(number);
  }

  /**
   * Closes it permanently: nothing more can be put, remaining items can be taken. *Blocks* while
   * another puts. Throws `StateError` within `put`.
   */
  close(): void {
    this.refuseWithinPut('close');
    // Close with the put lock in hand, so that no put is half done.
    const locked = new LockedPut(this.lock, this, () => {
      this.items.close();
      this.release();
      return 'closed';
    });
    if (!locked.tryTake()) takeBlocking(this.lock.cell, locked, Deadline.NEVER);
    this.wakeAll();
  }

  /**
   * Throws `StateError` if a getter of a value that is just being put calls this, because the put
   * lock is held meanwhile.
   */
  refuseWithinPut(what: string): void {
    if (!this.writing) return;
    throw new StateError(
      `${this.title}: can't ${what} from within put, a getter of the value that is being put has done so; ${what} before or after`,
    );
  }

  /**
   * Rejects the calls made through `keeper` that wait for an item, for room, for the lock to put or
   * until all is done.
   */
  rejectAll(keeper: object): void {
    for (const cell of [this.cell, this.lock.cell, this.rooms.cell, this.joins.cell])
      cell.rejectAll(keeper, this.title);
  }

  /** Wakes all waiters at the gates. */
  wakeAll(): void {
    for (const gate of [this.items, this.rooms, this.joins]) gate.announceAll();
  }

  private waitToTake(over: () => boolean): { wait: Taking; outcome: () => unknown } {
    let value: unknown = NOTHING;
    let failure: { error: unknown } | undefined;
    const act = (): boolean => {
      try {
        value = this.take();
      } catch (error) {
        failure = { error };
        return true;
      }
      return value !== NOTHING || over();
    };
    const outcome = (): unknown => {
      if (failure !== undefined) throw failure.error;
      // An item may have come between the poll and the end.
      return value === NOTHING ? this.take() : value;
    };
    const ready = (): boolean => !this.ring.empty || over();
    // In a stream, pause for a moment and then take several items at once; poll eagerly for an
    // answer.
    const streams = this.putsAtTaking === putsOfThread;
    return { wait: this.items.waitFor(act, ready, streams ? this.pauseInStream() : 0), outcome };
  }

  /**
   * The pause before the next poll of an empty ring. Each poll takes cache lines away from the
   * putters. Between two groups of cores that takes most of the time, so it pays to return when
   * there are several items.
   */
  private pauseInStream(): number {
    const taken = this.takings - this.takingsAtWait;
    this.takingsAtWait = this.takings;
    if (taken <= 1) this.pause = MOMENT;
    else if (taken < ENOUGH_AT_ONCE) this.pause = Math.min(this.pause * 2, LONGEST_PAUSE);
    return this.pause;
  }

  private roomWait(out: Outgoing, gone: () => boolean): RoomWait {
    const { items, rooms, lock, ring, writer } = this;
    out.prepare();
    return waitForRoom({
      rooms,
      lock,
      fits: () => items.closed || writer.hasRoomFor(out),
      gone,
      put: () => this.writeAndRelease(out),
      backsOff: ring.most === 0 || ring.most >= MANY ? MOMENT : 0,
    });
  }

  /** `undefined`: another thread is just putting. */
  private tryPut(out: Outgoing): Put | undefined {
    this.refuseWithinPut('put');
    return this.lock.tryTake() ? this.writeAndRelease(out) : undefined;
  }

  private isPut(put: Put | undefined): boolean {
    if (put === 'closed') {
      throw new ClosedError(
        `${this.title}: can't put, it was closed; put before it is closed, or make another`,
      );
    }
    return put === 'put';
  }

  private writeAndRelease(out: Outgoing): Put {
    let put: Put;
    this.writing = true;
    try {
      put = this.items.closed ? 'closed' : this.writer.write(out) ? 'put' : 'full';
    } finally {
      this.writing = false;
      this.release();
    }
    if (put === 'put') this.announcePut();
    return put;
  }

  /**
   * As `putAtOnce`, where others put, too: the value is written before the lock is taken, so that
   * all can do that at the same time.
   */
  private putPrepared(value: unknown): boolean {
    const { lock, writer } = this;
    const { words, at } = lock.cell;
    this.contended--;
    let length: number;
    this.writing = true;
    try {
      // Encode before taking the lock, so that others can put meanwhile.
      length = writer.prepare(value);
    } finally {
      this.writing = false;
    }
    if (length < 0) return false;
    // Try for the lock with short pauses.
    for (let tries = 1; cas(words, at + CELL_STATE, 0, lock.me) !== 0; tries++) {
      this.contended = CONTENDED_PUTS;
      if (tries === MOST_TRIES) return false;
      idle(PAUSE);
    }
    let put = false;
    try {
      // Copy the bytes in, and release.
      put = !this.items.isClosedWithLock && writer.writePrepared(length);
    } finally {
      this.release();
    }
    if (put) this.announcePut();
    return put;
  }

  private announcePut(): void {
    putsOfThread++;
    this.items.announce();
  }

  private release(): void {
    if (!this.lock.release(this.lock.cell)) this.lock.free();
  }

  private taken(): void {
    this.takings++;
    this.putsAtTaking = putsOfThread;
    this.rooms.announce();
  }
}

/** Declares a kind of queue. */
export function defineChannelKind(
  options: Pick<KindOptions, 'number' | 'name'> & Partial<Pick<KindOptions, 'open'>>,
): Kind {
  const needs = [LOCK_WORD, GATE_WORD];
  return defineKind({ ...options, serial: true, data: true, needs, ring: ringOfKind });
}

function never(): boolean {
  return false;
}

export const GATE_KIND: Kind = defineKind({ number: 22, name: 'Gate', serial: true, needs: [JOIN_WORD] });

/** The producing side, as its queue makes it; its class adds how it is opened by a handle. */
export const PRODUCER_KIND: Kind = defineKind({
  number: 24,
  name: 'QueueProducer',
  needs: [QUEUE_WORD],
  endIsAwaited: true,
});
