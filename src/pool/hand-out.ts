/**
 * Hand-out: how tasks get from the pool's heap into the rings of its workers.
 *
 * Tasks that are handed out lie in the task ring, where free workers take them at once. Their
 * number is limited to a millisecond of work for each worker while this thread is busy. The other
 * tasks wait in this thread's heap, where order, withdrawal and repetition cost nothing. For the
 * words that pool and workers share see task-table.ts.
 */

import type { Channel } from '../messaging/ring/channel.ts';
import { Backlog } from './backlog.ts';
import { KeyedTasks } from './keyed-tasks.ts';
import type { Member } from './member.ts';
import type { PoolTask, TaskKey } from './pool-task.ts';
import { Slots } from './slots.ts';
import type { PoolStatistics } from './statistics.ts';
import { TaskPutter } from './task-putter.ts';
import type { TaskTable } from './task-table.ts';
import type { Waking } from './waking.ts';

/** Microseconds of work that lie in the task ring for each worker. */
const AHEAD = 1000;
const WIDEST = 1000;
/** Weight of the newest run time in the mean. */
const NEWEST = 1 / 16;

/** The services that the hand-out needs from the pool. */
export interface HandOutHost {
  readonly title: string;
  readonly members: readonly (Member | undefined)[];
  /** Number of tasks that the pool's workers shall run at a time. */
  readonly width: number;
  /** Number of tasks that a worker runs at a time. */
  readonly concurrency: number;
  /** The outcome of a task that was pinned to a worker, which has ended without beginning it. */
  notBegun(task: PoolTask, member: Member): unknown;
}

/** A task can't be handed out. */
export type Refuse = (task: PoolTask, error: unknown) => void;

export class HandOut {
  readonly table: TaskTable;
  readonly backlog: Backlog = new Backlog();
  readonly slots: Slots<PoolTask>;
  /** Tasks that were submitted with a key; `undefined` before the first. */
  keyed: KeyedTasks | undefined;
  /** Mean run time of a task in microseconds; 0 not known. */
  mean = 0;
  private readonly host: HandOutHost;
  private readonly putter: TaskPutter;
  private readonly refuse: Refuse;
  private window = 1;
  /** The number of waiting tasks that observers see. */
  private noted = 0;
  /** Slots that one worker should have at hand. */
  private each = 1;

  constructor(
    table: TaskTable,
    channel: Channel,
    host: HandOutHost,
    statistics: PoolStatistics,
    refuse: Refuse,
  ) {
    this.table = table;
    this.host = host;
    this.refuse = refuse;
    const living = (): Member[] => host.members.filter((member) => member?.alive) as Member[];
    this.slots = new Slots(table, channel.ring, living);
    this.putter = new TaskPutter(table, this.slots, channel, host.members, host.title, statistics);
    this.resize();
  }

  /** Number of tasks that are handed out. */
  get inFlight(): number {
    return this.slots.used;
  }

  /** Number of tasks that wait in the heap. */
  get waiting(): number {
    return this.backlog.size + (this.keyed?.waiting ?? 0);
  }

  /** Number of tasks that could run now, if the pool had a worker for each. */
  get demand(): number {
    const { keyed } = this;
    const others = this.backlog.size + this.inFlight;
    return keyed === undefined ? others : others - keyed.out + keyed.width;
  }

  /** Whether a task may be put into the pool's ring. */
  private get hasRoom(): boolean {
    const { keyed } = this;
    const out = keyed === undefined ? this.inFlight : this.inFlight - keyed.out;
    return out < this.window && !this.putter.busy;
  }

  get waking(): Waking {
    return this.putter.waking;
  }

  /** Tasks by their slot. */
  get tasks(): readonly (PoolTask | undefined)[] {
    return this.slots.tasks;
  }

  /**
   * Takes the task over; the caller counts it. Throws `NotSendableError`; then nothing was taken.
   *
   * @param makesSure the caller soon makes sure that a worker is awake (waking.ts)
   */
  take(task: PoolTask, makesSure: boolean): void {
    // Hand the task out now if there is room and none waits before it.
    if (this.backlog.size === 0 && this.hasRoom) {
      if (task.more !== undefined && task.more.retries > 0) this.putter.seal(task);
      if (this.putter.put(task, undefined, makesSure && this.inFlight === 0)) return;
    }
    // Otherwise copy its arguments, and let it wait in the heap.
    this.putter.seal(task);
    this.backlog.push(task);
    this.noteWaiting();
  }

  /**
   * The same for a task that goes to the worker of its key, or to `member`. The caller fills what
   * is returned.
   */
  takeKeyed(task: PoolTask, key: TaskKey, member?: Member): KeyedTasks {
    // Copy its arguments: it may have to move to another worker.
    this.putter.seal(task);
    const keyed = this.keyedTasks();
    keyed.push(task, key, member);
    return keyed;
  }

  /** The keyed tasks, which are made for the first of them. */
  keyedTasks(): KeyedTasks {
    const handOut = this;
    this.keyed ??= new KeyedTasks({
      members: this.host.members,
      slots: this.slots,
      get each() {
        return handOut.each;
      },
      get isPutting() {
        return handOut.putter.busy;
      },
      handOut: (task, member) => this.putter.put(task, member),
      refuse: this.refuse,
      leftOut: (task, member) => this.refuse(task, this.host.notBegun(task, member)),
    });
    return this.keyed;
  }

  /** Hands out tasks, as far as there is room. */
  fill(): void {
    this.keyed?.fill();
    this.fillRing();
    this.noteWaiting();
  }

  /** Notes for observers outside how many tasks wait. */
  noteWaiting(): void {
    const { waiting } = this;
    if (waiting === this.noted) return;
    this.noted = waiting;
    this.table.observed.noteWaiting(waiting);
  }

  private fillRing(): void {
    const { backlog } = this;
    while (backlog.size > 0 && this.hasRoom) {
      const task = backlog.shift();
      if (task === undefined) return;
      let out: boolean;
      try {
        out = this.putter.put(task);
      } catch (error) {
        this.refuse(task, error);
        continue;
      }
      if (out) continue;
      backlog.putBack(task);
      return;
    }
  }

  /** Puts the task first again, because its worker was lost. */
  again(task: PoolTask): void {
    task.slot = -1;
    if (task.more?.key === undefined) this.backlog.putBack(task);
    else this.keyed!.putBack(task);
    this.fill();
  }

  /** Takes any task out of the heap. */
  shift(): PoolTask | undefined {
    return this.backlog.shift() ?? this.keyed?.shift();
  }

  /** The task no longer has its slot. */
  left(task: PoolTask): void {
    if (task.more !== undefined && task.more.lane !== 0) this.keyed!.left(task);
  }

  /** The worker takes no more tasks: those of its keys move to others. */
  leaves(member: Member): void {
    if (this.keyed === undefined) return;
    this.keyed.close(member);
    this.fill();
  }

  /**
   * Sets the number of slots that may be in use. Call when the number of workers or the mean has
   * changed.
   */
  resize(): void {
    const { width } = this.host;
    const each = this.mean === 0 ? 1 : 1 + Math.ceil(AHEAD / Math.max(this.mean, 0.1));
    this.window = Math.max(width + 1, Math.min(WIDEST, width * each));
    this.each = Math.max(this.host.concurrency + 1, this.host.concurrency * each);
  }

  /** A task took so many microseconds. `resize` uses the new mean. */
  learn(microseconds: number): void {
    this.mean = this.mean === 0 ? microseconds : this.mean + (microseconds - this.mean) * NEWEST;
  }

  /** Withdraws a task that no worker has begun. `false`: it runs. */
  withdraw(task: PoolTask): boolean {
    const { slot } = task;
    if (slot < 0) {
      if (task.more?.key === undefined) this.backlog.withdraw(task);
      else this.keyed!.withdraw(task);
      this.noteWaiting();
      return true;
    }
    if (!this.slots.withdraw(task)) return false;
    this.left(task);
    return true;
  }
}
