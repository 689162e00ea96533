/**
 * Engine: the pool's side of the protocol in task-table.ts. It hands tasks out, reads results, and
 * settles the tasks.
 */

import type { Queue } from '../messaging/queue.ts';
import type { Alarms } from './alarms.ts';
import type { HandOutHost } from './hand-out.ts';
import { HandOut } from './hand-out.ts';
import { LEFT_OUT } from './keyed-tasks.ts';
import type { Member } from './member.ts';
import type { PoolTask, TaskKey } from './pool-task.ts';
import type { ReadingHost } from './reading.ts';
import { Reading } from './reading.ts';
import type { SettlingHost } from './settling.ts';
import { Settling } from './settling.ts';
import type { PoolStatistics } from './statistics.ts';
import type { TaskTable } from './task-table.ts';

/** The services that the engine needs from the pool. */
export interface EngineHost extends HandOutHost, SettlingHost, ReadingHost {
  /** A task was submitted: it may need one more worker. */
  submitted(): void;
}

export class Engine {
  readonly alarms: Alarms;
  private readonly host: EngineHost;
  readonly handOut: HandOut;
  readonly settling: Settling;
  readonly reading: Reading;

  constructor(table: TaskTable, tasks: Queue, host: EngineHost, statistics: PoolStatistics) {
    const { channel } = tasks;
    this.host = host;
    this.alarms = host.alarms;
    const refuse = (task: PoolTask, error: unknown): void => {
      if (error === LEFT_OUT) this.settling.cancelled(task, error);
      else this.settling.settle(task, false, error);
    };
    this.handOut = new HandOut(table, channel, host, statistics, refuse);
    this.settling = new Settling(this.handOut, host, statistics, () => this.reading.rested());
    this.reading = new Reading(channel.joins, this.handOut, this.settling, host);
  }

  /** Takes the task over. Throws `NotSendableError`; then it is not pending. */
  submit(task: PoolTask): void {
    const { handOut } = this;
    try {
      handOut.take(task, this.reading.makesSure);
      this.settling.pending++;
      this.reading.expect();
      this.host.submitted();
    } finally {
      // A getter of the arguments may have submitted others.
      if (handOut.backlog.size > 0) handOut.fill();
    }
  }

  /**
   * Takes over a task that goes to the worker of its key, or to `member`. Throws as `submit` does.
   */
  submitKeyed(task: PoolTask, key: TaskKey, member?: Member): void {
    const keyed = this.handOut.takeKeyed(task, key, member);
    this.settling.pending++;
    keyed.fill();
    this.handOut.noteWaiting();
    this.reading.expect();
    this.host.submitted();
  }

  /** Whether nothing is pending and nothing runs. */
  get idle(): boolean {
    return this.settling.idle;
  }

  /** Keeps listening, and the event loop running, without a task. */
  hold(): void {
    this.settling.pending++;
    this.reading.expect();
  }

  /** One more stream waits for its reader, or, with -1, one fewer. */
  rest(count: 1 | -1): void {
    this.settling.resting += count;
    if (count > 0) this.unhold();
    else this.hold();
  }

  unhold(): void {
    this.settling.pending--;
    this.settling.endIfIdle();
  }
}
