/**
 * Reading: when the pool's thread reads the results of its workers.
 *
 * All results lie in rings of their workers. This thread waits for all of them at one gate, the
 * joiners' gate of the task channel: awaiting (listening.ts), or blocked. While it reads, workers
 * do not ring.
 */

import type { Cell } from '../agents/cell.ts';
import { Deadline } from '../deadline.ts';
import type { Gate } from '../messaging/ring/gate.ts';
import { takeBlocking } from '../waiting/taking.ts';
import type { Alarms } from './alarms.ts';
import type { DrainingHost } from './draining.ts';
import { Draining } from './draining.ts';
import { waitAt } from './gate-wait.ts';
import type { HandOut } from './hand-out.ts';
import { Listening, LONGEST_POLL } from './listening.ts';
import type { Member } from './member.ts';
import type { Settling } from './settling.ts';

/** Number of results that a thread that blocks reads before it looks whether it may go on. */
const BATCH_BLOCKED = 1024;
/** Milliseconds between looks at the alarms, in a thread that blocks. */
const SLICE = 10;

/** The services that reading needs from the pool. */
export interface ReadingHost extends DrainingHost {
  readonly alarms: Alarms;
  /** Checks whether workers have died, where no event can arrive. */
  look(): void;
}

export class Reading {
  readonly listening: Listening;
  private readonly gate: Gate;
  private readonly cell: Cell;
  private readonly draining: Draining;
  private readonly handOut: HandOut;
  private readonly host: ReadingHost;
  /** Calls of `block` that run. */
  private blocking = 0;
  private readonly makeSure: () => void;

  constructor(gate: Gate, handOut: HandOut, settling: Settling, host: ReadingHost) {
    this.gate = gate;
    this.cell = gate.cell;
    this.handOut = handOut;
    this.host = host;
    this.draining = new Draining(handOut, settling, host);
    this.listening = new Listening(gate, this.draining, handOut, settling, (error) => host.broken(error));
    // Make sure that a worker is awake before this thread blocks, as no microtask runs meanwhile.
    this.makeSure = () => handOut.waking.makeSure();
    this.cell.agent.beforeBlocking.add(this.makeSure);
  }

  /** Reads no more. */
  close(): void {
    this.listening.close();
    this.cell.agent.beforeBlocking.delete(this.makeSure);
  }

  /**
   * Whether it looks soon whether a worker has taken what is put now. While it blocks it does not:
   * a map puts its next chunk then.
   */
  get makesSure(): boolean {
    return this.blocking === 0 && this.listening.looksSoon;
  }

  /** Makes sure that a worker takes what was put, and that results are read when they come. */
  expect(): void {
    this.listening.expect();
  }

  /** The last pending task has ended. */
  rested(): void {
    this.listening.rested();
  }

  hasResults(): boolean {
    return this.draining.hasResults();
  }

  /** Takes about `most` results of all workers; returns whether there may be more. */
  drain(most: number): boolean {
    return this.draining.drain(most);
  }

  /** Takes all results that a worker has left. */
  drainFrom(member: Member): void {
    this.draining.drainFrom(member);
  }

  /** Takes all results, and hands nothing out. */
  drainAll(): void {
    this.draining.drainAll();
  }

  /** *Blocks* until `over`. */
  block(over: () => boolean, deadline: Deadline): boolean {
    this.listening.readNow();
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
      this.draining.drain(BATCH_BLOCKED);
      if (over()) return true;
      this.host.look();
      this.host.alarms.ringDue();
      return over();
    };
    // Poll for the result of a call alone. Otherwise `makeSure` runs before this thread sleeps.
    const { polling } = this.listening;
    if (this.handOut.waking.isOwed && polling.mayPoll()) polling.poll(LONGEST_POLL);
    const isReady = (): boolean => this.draining.hasResults() || over();
    const wait = waitAt(this.gate, { serve, isReady, isNeeded: () => true, readsOn: () => true });
    return takeBlocking(this.cell, wait, deadline);
  }
}
