/**
 * Putter: how an item gets into a channel. The lock to put is held by one putter at a time, for one
 * turn of its event loop at most, so no other code runs meanwhile but getters of the value itself.
 *
 *   at once   the value is encoded straight into the ring, with the lock (`putInPlace`). Where
 *             producers contend, it is encoded apart first, and the lock is held for the copy only
 *             (`putPrepared`).
 *   slowly    what could not be put at once is encoded apart into an `Outgoing`. Then:
 *
 *     lock free ──── room ──► put
 *         ▲            │ none: wait for room (room-wait.ts), and put in the same step
 *         │            ▼
 *         └── another is just putting: wait for the lock (locked-put.ts), and put as its holder
 *
 * Race: PUTS is written by a store that releases, which a load of WAITERS may overtake. So an item
 * is announced only after the lock was released, by a compare-and-swap, which nothing overtakes.
 */

import { cas } from '#atomics';
import type { Cell } from '../../agents/cell.ts';
import { MOMENT } from '../../agents/wait.ts';
import { CHECKS_ARGUMENTS } from '../../checks.ts';
import { warnOfLosses } from '../../codec/losses.ts';
import { Deadline } from '../../deadline.ts';
import { ClosedError, StateError } from '../../errors.ts';
import { CELL_STATE } from '../../memory/layout.ts';
import type { Origin } from '../../stacks.ts';
import { withOrigin } from '../../stacks.ts';
import type { RawLock } from '../../sync/lock/raw-lock.ts';
import { idle } from '../../waiting/spinning.ts';
import type { Taking } from '../../waiting/taking.ts';
import { takeAwaiting, takeBlocking } from '../../waiting/taking.ts';
import type { Gate } from './gate.ts';
import { LockedPut, patient } from './locked-put.ts';
import type { Outgoing } from './outgoing.ts';
import type { Ring } from './ring.ts';
import type { RingEnds } from './ring-ends.ts';
import { RingWriter } from './ring-writer.ts';
import type { Put, RoomWait } from './room-wait.ts';
import { waitForRoom } from './room-wait.ts';

/** Number of puts for which the ring counts as contended after two putters have met. */
const CONTENDED_PUTS = 100;
/** Further tries of such a put before it queues, and the loop iterations between them. */
const MOST_TRIES = 8;
const PAUSE = 100;
/** Number of items above which no putter waits for one more place. */
const MANY = 16;

/**
 * Items that this thread has put anywhere: a thread that puts between two takes may be waiting for
 * the reply.
 */
export let putsOfThread = 0;

/** A wait on the way of an item into the ring; whether it came to its end is sent back. */
interface Step {
  readonly cell: Cell;
  readonly wait: Taking;
  readonly deadline: Deadline;
}

export class Putter {
  readonly title: string;
  readonly ring: Ring;
  private readonly lock: RawLock;
  private readonly items: Gate;
  private readonly rooms: Gate;
  private readonly writer: RingWriter;
  /** Whether a value is just being encoded here. */
  private writing = false;
  /** Puts that are yet to be prepared before the lock is taken. */
  private contended = 0;

  constructor(lock: RawLock, ends: RingEnds) {
    const { items, rooms, ring, title } = ends;
    this.lock = lock;
    this.items = items;
    this.rooms = rooms;
    this.ring = ring;
    this.title = title;
    this.writer = new RingWriter(items.cell, ends);
  }

  /** The cell of the lock to put. */
  get cell(): Cell {
    return this.lock.cell;
  }

  /**
   * Puts the value if that is possible immediately, as it mostly is; `false`: the caller has to
   * take the slow path.
   */
  putAtOnce(value: unknown): boolean {
    if (CHECKS_ARGUMENTS) warnOfLosses(value, `${this.title}:`, 'the item');
    if (this.writing) return false;
    return this.contended > 0 ? this.putPrepared(value) : this.putInPlace(value);
  }

  /**
   * Puts; `false`: there was no room in time, or `gone` returned `true` because no taker is left.
   * Throws `ClosedError` where it is closed, `NotSendableError`. *Blocks*.
   */
  putSync(out: Outgoing, deadline: Deadline, gone: () => boolean = never): boolean {
    const first = this.tryPut(out);
    if (this.isPut(first)) return true;
    const waits = this.waits(out, first, deadline, gone);
    let step = waits.next();
    while (step.done !== true) {
      const { value } = step;
      step = waits.next(takeBlocking(value.cell, value.wait, value.deadline));
    }
    return step.value;
  }

  /**
   * The same; the event loop continues. `gone` also has to tell that `keeper` was closed: after a
   * wait the channel may be closed here, too. `failed` is as `ended` of `Taker.takeLater`.
   */
  async putLater(
    out: Outgoing,
    deadline: Deadline,
    keeper: object,
    gone: () => boolean,
    failed?: () => Error,
  ): Promise<boolean> {
    const first = this.tryPut(out);
    if (this.isPut(first)) return true;
    const waits = this.waits(out, first, deadline, gone);
    let origin: Origin | undefined;
    try {
      let step = waits.next();
      while (step.done !== true) {
        const { value } = step;
        out.keep();
        const taken = await takeAwaiting(value.cell, value.wait, value.deadline, keeper);
        origin ??= value.wait.origin;
        step = waits.next(taken);
      }
      if (step.value || failed === undefined || !deadline.unlimited) return step.value;
      throw withOrigin(failed(), origin);
    } catch (error) {
      throw error instanceof ClosedError ? withOrigin(error, origin) : error;
    } finally {
      out.letGo();
    }
  }

  /** Whether a put of the item would come to something: there is room, or it is closed. */
  hasRoomFor(out: Outgoing): boolean {
    return this.items.closed || this.writer.hasRoomFor(out.encode());
  }

  /** Closes the takers' gate permanently, with the lock, so that no put is half done. *Blocks*. */
  close(): void {
    this.refuseWithinPut('close');
    const locked = new LockedPut(this.lock, this, () => {
      this.items.close();
      this.release();
      return 'closed';
    });
    if (!locked.tryTake()) takeBlocking(this.lock.cell, locked, Deadline.NEVER);
  }

  /**
   * Throws `StateError` if a getter of a value that is just being put calls this, because the put
   * lock may be held meanwhile.
   */
  refuseWithinPut(what: string): void {
    if (!this.writing) return;
    throw new StateError(
      `${this.title}: can't ${what} from within put, a getter of the value that is being put has done so; ${what} before or after`,
    );
  }

  /** Sets the cell that every taker of this channel has open. */
  setReceiver(number: number): void {
    this.writer.setReceiver(number);
  }

  // At once.

  private putInPlace(value: unknown): boolean {
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

  /** Encodes the value before the lock is taken, so that all can do that at the same time. */
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

  // Slowly.

  /** Encodes the item and tries to put it; `undefined`: another thread is just putting. */
  private tryPut(out: Outgoing): Put | undefined {
    this.refuseWithinPut('put');
    if (this.items.closed) return 'closed';
    this.writing = true;
    try {
      out.encode();
    } finally {
      this.writing = false;
    }
    return this.lock.tryTake() ? this.writeAndRelease(out) : undefined;
  }

  /**
   * Goes on where the first try has put nothing: yields each wait that the put needs. Returns
   * `false` where there was no room in time, or `gone` says that there will be none.
   */
  private *waits(
    out: Outgoing,
    first: Put | undefined,
    deadline: Deadline,
    gone: () => boolean,
  ): Generator<Step, boolean, boolean> {
    const { lock, rooms } = this;
    for (let put = first; ; ) {
      if (put === undefined) {
        // The lock is taken: queue for it, and put as its holder.
        const wait = new LockedPut(lock, this, () => this.writeAndRelease(out));
        if (!(yield { cell: lock.cell, wait, deadline: patient(deadline) })) return false;
        put = wait.outcome();
        if (this.isPut(put)) return true;
      }
      // The ring is full: wait for room, and put in the same step.
      if (deadline.expired || gone()) return false;
      const { wait, outcome } = this.roomWait(out, gone);
      if (!(yield { cell: rooms.cell, wait, deadline })) return false;
      put = outcome();
      if (this.isPut(put)) return true;
      if (gone()) return false;
    }
  }

  private roomWait(out: Outgoing, gone: () => boolean): RoomWait {
    const { rooms, lock, ring } = this;
    return waitForRoom({
      rooms,
      lock,
      fits: () => this.hasRoomFor(out),
      gone,
      put: () => this.writeAndRelease(out),
      backsOff: ring.most === 0 || ring.most >= MANY ? MOMENT : 0,
    });
  }

  /** With the lock. */
  private writeAndRelease(out: Outgoing): Put {
    let put: Put;
    try {
      put = this.items.closed ? 'closed' : this.writer.write(out.encode()) ? 'put' : 'full';
    } finally {
      this.release();
    }
    if (put === 'put') this.announcePut();
    return put;
  }

  private isPut(put: Put | undefined): boolean {
    if (put !== 'closed') return put === 'put';
    throw new ClosedError(
      `${this.title}: can't put, it was closed; put before it is closed, or make another`,
    );
  }

  private announcePut(): void {
    putsOfThread++;
    this.items.announce();
  }

  private release(): void {
    if (!this.lock.release(this.lock.cell)) this.lock.free();
  }
}

function never(): boolean {
  return false;
}
