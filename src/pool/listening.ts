/**
 * Listening: how the pool's thread reads results while its event loop runs.
 *
 * It polls for the result of one short task. Otherwise it awaits results at the gate. While nothing
 * is pending, the gate stays unmarked, so that a result that a poll brings rings no bell.
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
import type { Draining } from './draining.ts';
import { BATCH, LONGEST_TURN } from './draining.ts';
import type { GateWaiter } from './gate-wait.ts';
import { waitAt } from './gate-wait.ts';
import type { HandOut } from './hand-out.ts';
import { Polling } from './polling.ts';
import type { Settling } from './settling.ts';

/** Mean microseconds of a task up to which this thread polls for its result. */
const WORTH_POLLING = 30;
/** Milliseconds of a poll, and of polls in a row before the event loop gets a turn. */
export const LONGEST_POLL = 0.05;
const LONGEST_POLLS = 0.05;
/** Milliseconds between reads while this thread can't wait at the gate. */
const WITHOUT_BELL = 10;

export class Listening implements GateWaiter {
  readonly polling: Polling = new Polling(() => this.isReady());
  private readonly cell: Cell;
  private readonly draining: Draining;
  private readonly handOut: HandOut;
  private readonly settling: Settling;
  private readonly broken: (error: unknown) => void;
  private readonly wait: Taking;
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
  /** When the present row of polls began: milliseconds of this thread's clock. */
  private polledSince = 0;

  /** @param broken called with an error after which nothing more can be read */
  constructor(
    gate: Gate,
    draining: Draining,
    handOut: HandOut,
    settling: Settling,
    broken: (error: unknown) => void,
  ) {
    this.cell = gate.cell;
    this.draining = draining;
    this.handOut = handOut;
    this.settling = settling;
    this.broken = broken;
    this.wait = waitAt(gate, this);
  }

  close(): void {
    clearTimeout(this.later);
  }

  /** Whether `expect` looks soon. */
  get looksSoon(): boolean {
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
        this.broken(error);
      },
    );
  }

  /** This thread can't wait at the gate now: reads and tries again a little later. */
  private readLater(error: unknown): void {
    if (!isShortage(error) && !(error instanceof NoSpaceError)) {
      this.broken(error);
      return;
    }
    this.later = setTimeout(() => {
      this.later = undefined;
      this.serve();
      if (!this.settling.idle && !this.listening) this.listen();
    }, WITHOUT_BELL);
  }

  // The wait at the gate.

  /** Reads some results; returns whether nothing is left pending. */
  serve(): boolean {
    if (this.goingOn) return false;
    if (this.draining.drain(BATCH)) this.readOnSoon();
    return this.settling.idle && !this.endingSoon;
  }

  isReady(): boolean {
    return !this.goingOn && this.draining.hasResults();
  }

  isNeeded(): boolean {
    if (this.goingOn) return false;
    // Nothing is pending: the next task marks the gate, unless a poll brings its result.
    this.unmarked = this.settling.idle;
    return !this.unmarked;
  }

  readsOn(): boolean {
    if (!this.isLong) return true;
    this.readOnSoon();
    return false;
  }

  /** Reads the rest after the code that awaited the first results has run. */
  private readOnSoon(): void {
    this.goingOn = true;
    if (this.isLong) setImmediate(() => this.readOn());
    else queueMicrotask(() => this.readOn());
  }

  private readOn(): void {
    if (this.draining.drain(BATCH)) {
      this.readOnSoon();
      return;
    }
    this.goingOn = false;
    // Mark the gate only now: workers do not ring while this thread reads.
    this.cell.dispatch(false);
  }

  /** Cancels a planned read, because all results are read now. */
  readNow(): void {
    this.goingOn = false;
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

  /** The last pending task has ended. */
  rested(): void {
    this.polling.slept();
    if (!this.listening || this.endingSoon) return;
    // Keep listening for a turn, because the caller may submit another task.
    this.endingSoon = true;
    setImmediate(() => {
      this.endingSoon = false;
      if (this.settling.idle) this.cell.dispatch(false);
    });
  }
}
