/**
 * Settling: applies the results of workers to their tasks. A task gives its slot back when its
 * result is read, and its promise is settled, unless it was given up before.
 */

import type { Parcel } from '../codec/parcel.ts';
import { unpack } from '../codec/parcel.ts';
import { NOTHING } from '../messaging/ring/ring-reader.ts';
import type { Alarms } from './alarms.ts';
import type { HandOut } from './hand-out.ts';
import type { Member } from './member.ts';
import type { Reply } from './messages.ts';
import { REPLY } from './messages.ts';
import type { PoolTask, TaskTimes } from './pool-task.ts';
import { rejectBy } from './pool-task.ts';
import { slotOf } from './slot-words.ts';
import type { PoolStatistics } from './statistics.ts';

/** The services that settling needs from the pool. */
export interface SettlingHost {
  readonly alarms: Alarms;
  /** Is called when the last pending task has ended. */
  settled(): void;
  heard(member: Member, reply: Reply): void;
  /** The worker has ended a task. */
  ran(member: Member): void;
  /** The error, with the origin of the call. */
  failed(task: PoolTask, error: unknown, isOfWorker: boolean): unknown;
}

export class Settling {
  /** Tasks whose call has no outcome yet. */
  pending = 0;
  /** Streams that run, and wait for their reader. They are not pending. */
  resting = 0;
  private readonly handOut: HandOut;
  private readonly host: SettlingHost;
  private readonly statistics: PoolStatistics;
  private readonly rested: () => void;

  /** @param rested called when the last pending task has ended */
  constructor(handOut: HandOut, host: SettlingHost, statistics: PoolStatistics, rested: () => void) {
    this.handOut = handOut;
    this.host = host;
    this.statistics = statistics;
    this.rested = rested;
  }

  /** Whether nothing is pending and nothing runs. */
  get idle(): boolean {
    return this.pending === 0 && this.handOut.inFlight === this.resting;
  }

  /**
   * Takes a result of the worker, which is read at `time` of this thread's clock. `false`: there is
   * none.
   */
  takeFrom(member: Member, time: number): boolean {
    const reply = member.channel.taker.take();
    if (reply === NOTHING) return false;
    const [kind, ticket, put, microseconds, isMoved] = reply as [number, number, unknown, number, boolean?];
    // Pass all other messages to the pool.
    if (kind > REPLY.THREW) {
      this.host.heard(member, reply as Reply);
      return true;
    }
    const value = isMoved === true ? unpack(member.moving!.take(ticket) as Parcel) : put;
    // Drop the result of a task that no longer has its slot.
    const task = this.taskOf(ticket);
    if (task === undefined) return true;
    // Count it, free the slot, and settle the promise.
    member.hasResults = true;
    this.handOut.waking.latest = member;
    this.statistics.ran(task, microseconds, member, time);
    this.timed(member, microseconds);
    if (task.more?.trace !== undefined) noteTimes(task.more.trace, task, microseconds / 1000, member, time);
    this.handOut.slots.release(task);
    this.handOut.left(task);
    this.settle(task, kind === REPLY.RETURNED, value, true);
    return true;
  }

  /** Results of a chunk, or the error of one of its items. */
  hearItems(member: Member, [kind, ticket, from, value, microseconds, isOver]: Reply): void {
    const task = this.taskOf(ticket as number);
    const chunk = task?.more?.chunk;
    if (task === undefined || chunk === undefined) return;
    member.hasResults = true;
    // Report the error of one item.
    if (kind === REPLY.ITEM_THREW) {
      chunk.failed(from as number, this.host.failed(task, value, true));
      return;
    }
    // Report the results of items.
    const count = typeof value === 'number' ? value : (value as readonly unknown[]).length;
    this.statistics.ranItems(task, from as number, count, microseconds as number, member);
    chunk.items(from as number, value as readonly unknown[] | number, microseconds as number);
    // Continue the chunk, or end it and give its slot back.
    if (isOver !== true) {
      member.busy += (microseconds as number) / 1000;
      return;
    }
    this.timed(member, microseconds as number);
    this.handOut.slots.release(task);
    this.settle(task, true, undefined);
    chunk.over();
  }

  /** The task of that ticket, if it still has its slot. */
  taskOf(ticket: number): PoolTask | undefined {
    const slot = slotOf(ticket);
    const { slots } = this.handOut;
    const task = slots.tasks[slot];
    return task !== undefined && slots.ticketOf(slot) === ticket ? task : undefined;
  }

  private timed(member: Member, microseconds: number): void {
    member.tasks++;
    member.busy += microseconds / 1000;
    this.handOut.learn(microseconds);
    this.handOut.slots.seen(member);
    this.host.ran(member);
  }

  /** Settles the task's promise, unless it is already settled. */
  settle(task: PoolTask, ok: boolean, value: unknown, isOfWorker = false, isOurs = true): void {
    const { resolve, reject, more } = task;
    // Let the sealed arguments go.
    if (task.sealed !== undefined) {
      task.sealed.letGo();
      task.sealed = undefined;
    }
    // Settle the promise once.
    if (resolve !== undefined) {
      task.resolve = undefined;
      task.reject = undefined;
      task.withdrawn = true;
      this.pending--;
      if (more?.key !== undefined) this.handOut.keyed!.ended(more.key);
      if (ok) {
        this.statistics.done++;
        resolve(value);
      } else {
        this.statistics.failed++;
        const reason = isOurs ? this.host.failed(task, value, isOfWorker) : value;
        rejectBy(resolve, reject, reason, isOfWorker);
      }
    }
    // Remove timers and listeners. Resolve `ended` when the task no longer runs.
    if (more !== undefined) finishMore(more, this.host.alarms, task.slot < 0);
    this.endIfIdle();
  }

  /** Settles the promise of a task that is given up. */
  cancelled(task: PoolTask, reason: unknown): void {
    this.statistics.cancelled++;
    this.statistics.failed--;
    // Pass the reason on unchanged: it may be any value, even an object that the program still
    // uses.
    this.settle(task, false, reason, false, false);
  }

  /** A worker has died with a task. */
  lost(): void {
    this.statistics.lost++;
  }

  /** Checks whether the last pending task has ended. */
  endIfIdle(): void {
    if (!this.idle) return;
    this.host.settled();
    this.rested();
  }
}

function noteTimes(trace: TaskTimes, task: PoolTask, runTime: number, member: Member, time: number): void {
  const waitTime = Math.max(0, time - task.submitted - runTime);
  Object.assign(trace, { worker: member.id, waitTime, runTime });
}

function finishMore(more: NonNullable<PoolTask['more']>, alarms: Alarms, isOver: boolean): void {
  more.ignoreAbort?.();
  more.ignoreAbort = undefined;
  alarms.clear(more.timer);
  alarms.clear(more.queueTimer);
  more.timer = undefined;
  more.queueTimer = undefined;
  if (isOver) for (const tell of more.ended.splice(0)) tell();
}
