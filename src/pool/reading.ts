/**
 * Reading: when the pool's thread reads the results of its workers.
 *
 * All results lie in rings of their workers. This thread waits for all of them at one gate, the
 * joiners' gate of the task channel. While it reads, workers do not ring.
 *
 * If the system has no descriptor left for this thread's bell, or no memory for its wait entry, it
 * reads by a timer until it can wait at the gate again.
 */

import { clearTimeout, queueMicrotask, setImmediate, setTimeout } from '#clock';
import { now } from '#park';
import type { Cell } from '../agents/cell.ts';
import { Deadline } from '../deadline.ts';
import { NoSpaceError } from '../errors.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import type { Gate } from '../messaging/ring/gate.ts';
import { isShortage } from '../platform/descriptors.ts';
import type { Taking } from '../waiting/taking.ts';
import { takeBlocking } from '../waiting/taking.ts';
import type { Alarms } from './alarms.ts';
import type { HandOut } from './hand-out.ts';
import type { Member } from './member.ts';
import { RING_BYTES } from './messages.ts';
import { Polling } from './polling.ts';
import type { Settling } from './settling.ts';

/** Number of results that are read before other code of this thread runs. */
const BATCH = 64;
/** The same for a thread that blocks, before it looks whether it may go on. */
const BATCH_BLOCKED = 1024;
/** Results that are read at least of one worker before those of the next. */
const LEAST_OF_ONE = 8;
/** Results that are read between two looks at the clock. */
const MESSAGES_A_LOOK = 4;
/** No ring has more items: an item takes 16 bytes at least. */
const MOST_OF_ONE: number = RING_BYTES / 16;
/** Milliseconds of reading before the event loop gets its turn. */
const LONGEST_TURN = 2;
/** Mean microseconds of a task up to which this thread polls for its result. */
const WORTH_POLLING = 30;
/** Milliseconds of a poll, and of polls in a row before the event loop gets a turn. */
const LONGEST_POLL = 0.05;
const LONGEST_POLLS = 0.05;
/** Milliseconds between looks at the alarms, in a thread that blocks. */
const SLICE = 10;
/** Milliseconds between reads while this thread can't wait at the gate. */
const WITHOUT_BELL = 10;

/** The services that reading needs from the pool. */
export interface ReadingHost {
  readonly alarms: Alarms;
  readonly members: readonly (Member | undefined)[];
  /** Tasks have been handed out: the heap may have room for others. */
  moved(): void;
  /** Checks whether workers have died, where no event can arrive. */
  look(): void;
  broken(error: unknown): void;
}

export class Reading {
  private readonly gate: Gate;
  private readonly cell: Cell;
  private readonly handOut: HandOut;
  private readonly settling: Settling;
  private readonly host: ReadingHost;
  private listening = false;
  private lookingSoon = false;
  private goingOn = false;
  /** When this thread began to read without a turn of its event loop since; 0: it has had one. */
  private busySince = 0;
  private endingSoon = false;
  /** The next read, while this thread can't wait at the gate. */
  private later: NodeJS.Timeout | undefined;
  /** Whether this wait has left the gate unmarked, because nothing was pending. */
  private unmarked = false;
  private readonly polling: Polling = new Polling(() => !this.goingOn && this.hasResults());
  /** When the present row of polls began: milliseconds of this thread's clock. */
  private polledSince = 0;
  /** Calls of `block` that run. */
  private blocking = 0;
  private readonly wait: Taking;
  private readonly makeSure: () => void;

  constructor(gate: Gate, handOut: HandOut, settling: Settling, host: ReadingHost) {
    this.gate = gate;
    this.cell = gate.cell;
    this.handOut = handOut;
    this.settling = settling;
    this.host = host;
    this.wait = this.waitUntil(
      () => this.serve(),
      () => !this.goingOn && this.hasResults(),
      () => {
        // Nothing is pending: the next task marks the gate, unless a poll brings its result.
        this.unmarked = this.settling.idle;
        return !this.unmarked;
      },
      () => this.isLong,
    );
    // Make sure that a worker is awake before this thread blocks, as no microtask runs meanwhile.
    this.makeSure = () => handOut.waking.makeSure();
    this.cell.agent.beforeBlocking.add(this.makeSure);
  }

  /** Reads no more. */
  close(): void {
    clearTimeout(this.later);
    this.cell.agent.beforeBlocking.delete(this.makeSure);
  }

  /**
   * Whether it looks soon whether a worker has taken what is put now. While it blocks it does not:
   * a map puts its next chunk then.
   */
  get makesSure(): boolean {
    return this.blocking === 0 && this.looksSoon;
  }

  private get looksSoon(): boolean {
    return !this.listening || this.unmarked;
  }

  /** Makes sure that a worker takes what was put, and that results are read when they come. */
  expect(): void {
    if (this.lookingSoon || !this.looksSoon) return;
    this.lookingSoon = true;
    queueMicrotask(() => this.look());
  }

  private look(): void {
    this.lookingSoon = false;
    if (this.settling.idle) return;
    const { inFlight, mean, waking } = this.handOut;
    const isShort = inFlight === 1 && mean > 0 && mean < WORTH_POLLING;
    // Poll only for a worker that is awake: one that wakes up may need this processor.
    if (isShort && waking.isOwed && this.polling.mayPoll()) {
      // Give the event loop a turn between polls.
      if (now() - this.polledSince > LONGEST_POLLS) {
        this.lookingSoon = true;
        setImmediate(() => {
          this.polledSince = now();
          this.look();
        });
        return;
      }
      // Poll for the result of one short task.
      const isThere = this.polling.poll(LONGEST_POLL);
      waking.makeSure();
      if (isThere) {
        this.serve();
        // It was a message about the task: its result may follow soon.
        if (!this.settling.idle && this.polling.poll(LONGEST_POLL)) this.serve();
        if (this.settling.idle) return;
      }
    }
    // Otherwise await the results at the gate.
    waking.makeSure();
    if (this.listening) this.cell.dispatch(false);
    else this.listen();
  }

  private listen(): void {
    if (this.later !== undefined) return;
    const ticket = this.cell.drawTicket();
    try {
      this.cell.enter(AWAITING_BIT, ticket);
    } catch (error) {
      this.readLater(error);
      return;
    }
    this.listening = true;
    this.cell.await(this.wait, ticket, Deadline.NEVER, this).then(
      () => {
        this.listening = false;
        if (!this.settling.idle) this.listen();
      },
      (error: unknown) => {
        this.listening = false;
        this.host.broken(error);
      },
    );
  }

  /** This thread can't wait at the gate now: reads and tries again a little later. */
  private readLater(error: unknown): void {
    if (!isShortage(error) && !(error instanceof NoSpaceError)) {
      this.host.broken(error);
      return;
    }
    this.later = setTimeout(() => {
      this.later = undefined;
      this.serve();
      if (!this.settling.idle && !this.listening) this.listen();
    }, WITHOUT_BELL);
  }

  /** Reads some results; returns whether nothing is left pending. */
  private serve(): boolean {
    if (this.goingOn) return false;
    if (this.drain(BATCH)) this.readOnSoon();
    return this.settling.idle && !this.endingSoon;
  }

  /** Reads the rest after the code that awaited the first results has run. */
  private readOnSoon(): void {
    this.goingOn = true;
    if (this.isLong) setImmediate(() => this.readOn());
    else queueMicrotask(() => this.readOn());
  }

  private readOn(): void {
    if (this.drain(BATCH)) {
      this.readOnSoon();
      return;
    }
    this.goingOn = false;
    // Mark the gate only now: workers do not ring while this thread reads.
    this.cell.dispatch(false);
  }

  /**
   * Whether this thread has read for so long that its event loop needs a turn. Asked whenever there
   * is more to read, because workers may put results as fast as they are read.
   */
  private get isLong(): boolean {
    const time = now();
    if (this.busySince > 0) return time - this.busySince >= LONGEST_TURN;
    this.busySince = time;
    setImmediate(() => {
      this.busySince = 0;
    });
    return false;
  }

  /**
   * A wait at the gate of all results. `serve` reads them and returns whether the wait is over;
   * `isNeeded`: whether results may come; `isLong`: whether to go on after a turn of the event
   * loop.
   */
  private waitUntil(
    serve: () => boolean,
    ready: () => boolean,
    isNeeded = () => true,
    isLong = () => false,
  ): Taking {
    const attempt = (): boolean => {
      for (;;) {
        if (serve()) return true;
        if (this.goingOn || !isNeeded()) return false;
        // PUBLISH WAITERS -> ring
        this.gate.mark();
        if (!ready()) return false;
        if (!isLong()) continue;
        this.readOnSoon();
        return false;
      }
    };
    return { tryTake: serve, peek: ready, attempt, abandon: () => {}, taken: () => {}, suspect: () => 0 };
  }

  hasResults(): boolean {
    for (const member of this.host.members) if (member?.alive && !member.channel.ring.empty) return true;
    return false;
  }

  /** Takes about `most` results of all workers; returns whether there may be more. */
  drain(most: number): boolean {
    let isMore = false;
    const readAt = now();
    const { members } = this.host;
    // A worker that puts as fast as this thread reads holds up no other.
    const share = Math.ceil(most / (members.length - 1));
    const ofOne = Math.min(Math.max(LEAST_OF_ONE, share), MOST_OF_ONE);
    try {
      // Take results, worker by worker.
      for (let index = 1; index < members.length; index++) {
        const member = members[index];
        if (member?.alive !== true) continue;
        let left = ofOne;
        while (left > 0 && this.settling.takeFrom(member, readAt)) {
          left--;
          // A single message may bring the results of thousands of items.
          if (left % MESSAGES_A_LOOK === 0 && most === BATCH && now() - readAt > LONGEST_TURN) left = 0;
        }
        isMore ||= left === 0;
      }
    } catch (error) {
      this.host.broken(error);
      return false;
    }
    // Hand out more tasks: slots have become free.
    this.handOut.resize();
    this.handOut.fill();
    this.host.moved();
    return isMore;
  }

  /** Takes all results that a worker has left. */
  drainFrom(member: Member): void {
    const readAt = now();
    while (this.settling.takeFrom(member, readAt));
  }

  /** Takes all results, and hands nothing out. */
  drainAll(): void {
    for (const member of this.host.members) if (member?.alive) this.drainFrom(member);
  }

  /** *Blocks* until `over`. */
  block(over: () => boolean, deadline: Deadline): boolean {
    // Cancel a planned read, because this reads all results.
    this.goingOn = false;
    this.blocking++;
    try {
      return this.blockUntil(over, deadline);
    } finally {
      this.blocking--;
    }
  }

  private blockUntil(over: () => boolean, deadline: Deadline): boolean {
    for (;;) {
      // Sleep in slices while alarms are set: the event loop can't ring them meanwhile.
      const inSlices = this.host.alarms.any;
      const slice = inSlices ? Deadline.from({ timeout: Math.min(SLICE, deadline.remaining) }) : deadline;
      const isLeft = this.blockOnce(() => over() || (!inSlices && this.host.alarms.any), slice);
      if (over()) return true;
      if (!isLeft && (!inSlices || deadline.expired)) return false;
    }
  }

  private blockOnce(over: () => boolean, deadline: Deadline): boolean {
    const serve = (): boolean => {
      this.drain(BATCH_BLOCKED);
      if (over()) return true;
      this.host.look();
      this.host.alarms.ringDue();
      return over();
    };
    // Poll for the result of a call alone. Otherwise `makeSure` runs before this thread sleeps.
    if (this.handOut.waking.isOwed && this.polling.mayPoll()) this.polling.poll(LONGEST_POLL);
    const isReady = (): boolean => this.hasResults() || over();
    return takeBlocking(this.cell, this.waitUntil(serve, isReady), deadline);
  }

  /** The last pending task has ended. */
  rested(): void {
    if (!this.listening || this.endingSoon) return;
    // Keep listening for a turn, because the caller may submit another task.
    this.endingSoon = true;
    setImmediate(() => {
      this.endingSoon = false;
      if (this.settling.idle) this.cell.dispatch(false);
    });
  }
}
