/** Intake: how a worker takes tasks, from the ring of its pool and from its own. */

import { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import { NOTHING } from '../messaging/ring/ring-reader.ts';
import { formatHandle } from '../objects/handle-text.ts';
import type { TaskMessage } from './messages.ts';
import type { TaskTable } from './task-table.ts';

export class Intake {
  private readonly tasks: Channel;
  private readonly table: TaskTable;
  private readonly me: number;
  private own: Channel | undefined;
  /** Kept, because its channel closes with it. */
  private ownQueue: Queue | undefined;
  private ownFirst = false;

  constructor(tasks: Channel, table: TaskTable, me: number) {
    this.tasks = tasks;
    this.table = table;
    this.me = me;
  }

  /** Whether there is no task. */
  get isEmpty(): boolean {
    return this.tasks.ring.empty && this.ownRing()?.ring.empty !== false;
  }

  /** Takes a task; `undefined`: there is none. Throws the errors of reading it: then it is gone. */
  take(): TaskMessage | undefined {
    const own = this.ownRing();
    let message: unknown;
    if (own === undefined) message = this.tasks.taker.take();
    else {
      // Begin with each ring by turns, so that neither starves.
      this.ownFirst = !this.ownFirst;
      message = (this.ownFirst ? own : this.tasks).taker.take();
      if (message === NOTHING) message = (this.ownFirst ? this.tasks : own).taker.take();
    }
    return message === NOTHING ? undefined : (message as TaskMessage);
  }

  /** This worker's own ring, if it already has one. */
  private ownRing(): Channel | undefined {
    if (this.own !== undefined) return this.own;
    const place = this.table.workers.privateRing(this.me);
    if (place === undefined) return undefined;
    const fields = new URLSearchParams({
      in: this.tasks.cell.agent.folder,
      cell: String(place.number),
      generation: String(place.generation),
    });
    this.ownQueue = Queue.open(formatHandle('Queue', fields));
    this.own = this.ownQueue.channel;
    return this.own;
  }
}
