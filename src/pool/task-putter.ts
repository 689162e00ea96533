/**
 * Task putter: puts a task into the ring of the pool, or into a worker's own, and wakes a worker
 * that sleeps. For the words and their order see task-table.ts.
 */

import { packWhole } from '../codec/parcel.ts';
import { Deadline } from '../deadline.ts';
import { NoSpaceError, NotSendableError } from '../errors.ts';
import { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import { Outgoing } from '../messaging/ring/outgoing.ts';
import type { Member } from './member.ts';
import type { TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, noRoom, RING_BYTES } from './messages.ts';
import type { PoolTask } from './pool-task.ts';
import { SINGLE } from './pool-task.ts';
import { areConstant, Sealed } from './sealed.ts';
import type { Slots } from './slots.ts';
import type { PoolStatistics } from './statistics.ts';
import { LARGE } from './statistics.ts';
import type { TaskTable } from './task-table.ts';
import { Waking } from './waking.ts';

const ONCE: Deadline = Deadline.from({ timeout: 0 });

export class TaskPutter {
  /** Whether it is in the middle of a put: getters of the arguments run, and must put nothing. */
  busy = false;
  private readonly table: TaskTable;
  private readonly slots: Slots<PoolTask>;
  private readonly channel: Channel;
  /** Wakes the workers of the pool's ring. */
  readonly waking: Waking;
  private readonly title: string;
  private readonly statistics: PoolStatistics;
  private readonly message: TaskMessage = [0, 0, 0, undefined];

  constructor(
    table: TaskTable,
    slots: Slots<PoolTask>,
    channel: Channel,
    members: readonly (Member | undefined)[],
    title: string,
    statistics: PoolStatistics,
  ) {
    this.table = table;
    this.slots = slots;
    this.channel = channel;
    this.waking = new Waking(table.workers, channel.ring, members);
    this.title = title;
    this.statistics = statistics;
  }

  /** Encodes the arguments now, unless they can't change. Throws `NotSendableError`. */
  seal(task: PoolTask): void {
    if (task.sealed !== undefined || (task.mode & MODE_MASK) !== MODE.CALL) return;
    const values = task.payload as readonly unknown[];
    if (areConstant(values)) task.keep(values);
    else {
      task.sealed = new Sealed(values, `${this.title}: ${task.fn.name}:`);
      if (task.sealed.payload[0].length > LARGE) this.statistics.sentLarge(task);
      task.payload = undefined;
    }
  }

  /**
   * Puts the task in the ring, the pool's or the worker's own; `false`: the ring is full. Throws
   * `NotSendableError`, `NoSpaceError`.
   *
   * @param mayWait the caller soon makes sure that a worker is awake (waking.ts)
   */
  put(task: PoolTask, member?: Member, mayWait = false): boolean {
    const { message, slots } = this;
    const channel = member === undefined ? this.channel : this.ownRing(member).channel;
    const chunk = task.more?.chunk;
    const context = task.more?.context;
    // Fill a slot, and then the message that names it.
    const slot = slots.fill(
      chunk === undefined ? (task.more?.credit ?? 0) : chunk.count,
      member === undefined ? undefined : channel.ring,
      task.fn.key,
    );
    if (slot < 0) return false;
    message[0] = slots.ticketOf(slot);
    message[1] = task.fn.key;
    const mode = task.mode & ~SINGLE;
    message[2] = task.sealed === undefined ? mode : mode | MODE.SEALED;
    message[3] = task.sealed === undefined ? task.payload : task.sealed.payload;
    const item = context === undefined ? message : context.within(message);
    // Put the item. Getters of the arguments must not put others meanwhile.
    let isPut = false;
    this.busy = true;
    try {
      isPut = channel.putter.putAtOnce(item) || channel.putter.putSync(new Outgoing(item, this.title), ONCE);
    } catch (error) {
      throw refusal(error, task, this.title);
    } finally {
      this.busy = false;
      message[3] = undefined;
      if (!isPut) slots.giveUp(slot);
    }
    if (!isPut) return false;
    if (channel.ring.committed > LARGE && task.mode === MODE.CALL && task.sealed === undefined)
      this.statistics.sentLarge(task);
    // The task is out: note its slot, and wake a sleeping worker.
    slots.use(slot, task);
    if (member !== undefined) {
      if (this.table.workers.takeIdleOf(member.index)) member.wake();
      return true;
    }
    this.waking.wake(mayWait);
    return true;
  }

  /** The worker's own ring, which is made for its first task with a key. Throws `NoSpaceError`. */
  private ownRing(member: Member): Queue {
    if (member.own !== undefined) return member.own;
    const own = new Queue({ bytes: RING_BYTES });
    member.own = own;
    this.table.workers.setPrivateRing(member.index, own.channel.cell);
    return own;
  }
}

/** Why the arguments can't be sent: the value by its path, or no room. */
function refusal(error: unknown, task: PoolTask, title: string): unknown {
  if (error instanceof NoSpaceError) return noRoom(error, `${title}: ${task.fn.name}: its arguments`);
  if (!(error instanceof NotSendableError)) return error;
  const chunk = task.more?.chunk !== undefined;
  try {
    packWhole(task.payload, 'process', `${title}: ${task.fn.name}:`, chunk ? 'items' : 'args');
  } catch (better) {
    return better;
  }
  return error;
}
