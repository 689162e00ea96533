/**
 * Engine: the pool's side of the protocol in task-table.ts: hands tasks out, takes results,
 * settles.
 *
 * Tasks that are handed out lie in the task ring, where free workers take them at once. Their
 * number is limited to a millisecond of work for each worker while this thread is busy. The other
 * tasks wait in this thread's heap, where order, withdrawal and repetition cost nothing.
 *
 * All results lie in rings of their workers. This thread waits for all of them at one gate, the
 * joiners' gate of the task channel. While it reads, workers do not ring.
 */

import { clearTimeout, queueMicrotask, setImmediate } from '#clock';
import { MOST_SPINS, now } from '#park';
import type { Cell } from '../agents/cell.ts';
import { packWhole } from '../codec/parcel.ts';
import { Deadline } from '../deadline.ts';
import { NotSendableError } from '../errors.ts';
import { AWAITING_BIT } from '../memory/layout.ts';
import { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import type { Gate } from '../messaging/ring/gate.ts';
import { Outgoing } from '../messaging/ring/outgoing.ts';
import { NOTHING } from '../messaging/ring/ring-reader.ts';
import type { Taking } from '../waiting/taking.ts';
import { takeBlocking } from '../waiting/taking.ts';
import { Backlog } from './backlog.ts';
import { KeyedTasks } from './keyed-tasks.ts';
import type { Member } from './member.ts';
import type { Reply, TaskMessage } from './messages.ts';
import { MODE, MODE_MASK, REPLY, RING_BYTES } from './messages.ts';
import { Polling } from './polling.ts';
import type { PoolTask, TaskKey } from './pool-task.ts';
import { areConstant, Sealed } from './sealed.ts';
import { Slots } from './slots.ts';
import type { PoolStatistics } from './statistics.ts';
import { LARGE } from './statistics.ts';
import type { TaskTable } from './task-table.ts';
import { slotOf } from './task-table.ts';

/** Microseconds of work that lie in the task ring for each worker. */
const AHEAD = 1000;
const WIDEST = 1000;
/** Number of results that are read before other code of this thread runs. */
const BATCH = 64;
/** Milliseconds of reading before the event loop gets its turn. */
const LONGEST_TURN = 2;
/** Mean microseconds of a task up to which this thread polls for its result. */
const WORTH_POLLING = 30;
/** Milliseconds of a poll, and of polls in a row before the event loop gets a turn. */
const LONGEST_POLL = 0.05;
const LONGEST_POLLS = 0.05;
/** Looks at the task ring for a worker that is awake to take the task, some 5 us. */
const LOOKS_AT_RING = 200;
/** Weight of the newest run time in the mean. */
const NEWEST = 1 / 16;
const ONCE: Deadline = Deadline.from({ timeout: 0 });

/** The services that the engine needs from the pool. */
export interface EngineHost {
  readonly title: string;
  readonly members: readonly (Member | undefined)[];
  /** Number of tasks that the pool's workers shall run at a time. */
  readonly width: number;
  /** Number of tasks that a worker runs at a time. */
  readonly concurrency: number;
  /** Is called when the last pending task has ended. */
  settled(): void;
  heard(member: Member, reply: Reply): void;
  /** The worker has ended a task. */
  ran(member: Member): void;
  /** Tasks have been handed out: the heap may have room for others. */
  moved(): void;
  /** Checks whether workers have died, where no event can arrive. */
  look(): void;
  /** The error, with the origin of the call. */
  failed(task: PoolTask, error: unknown, isOfWorker: boolean): unknown;
  broken(error: unknown): void;
}

export class Engine {
  readonly table: TaskTable;
  readonly backlog: Backlog = new Backlog();
  readonly slots: Slots<PoolTask>;
  /** Tasks that were submitted with a key; `undefined` before the first. */
  keyed: KeyedTasks | undefined;
  /** Tasks whose call has no outcome yet. */
  pending = 0;
  /** Mean run time of a task in microseconds; 0 not known. */
  mean = 0;
  private readonly channel: Channel;
  private readonly gate: Gate;
  private readonly cell: Cell;
  private readonly host: EngineHost;
  private readonly statistics: PoolStatistics;
  private window = 1;
  /** Slots that one worker should have at hand. */
  private each = 1;
  private putting = false;
  private listening = false;
  private lookingSoon = false;
  private goingOn = false;
  private endingSoon = false;
  /** Whether the present wait for results has left the gate unmarked, because none can come. */
  private unmarked = false;
  /** Whether a task was handed out without waking a worker that sleeps. */
  private owesWakeUp = false;
  /** The worker that has brought the last result. */
  private latest: Member | undefined;
  private readonly polling: Polling = new Polling(() => !this.goingOn && this.hasResults());
  /** When the present row of polls began: milliseconds of this thread's clock. */
  private polledSince = 0;
  /** When the present results were read: milliseconds of this thread's clock. */
  private readAt = 0;
  private readonly wait: Taking;
  private readonly message: TaskMessage = [0, 0, 0, undefined];

  constructor(table: TaskTable, tasks: Queue, host: EngineHost, statistics: PoolStatistics) {
    this.table = table;
    this.channel = tasks.channel;
    this.gate = tasks.channel.joins;
    this.cell = this.gate.cell;
    this.host = host;
    this.statistics = statistics;
    const living = (): Member[] => host.members.filter((member) => member?.alive) as Member[];
    this.slots = new Slots(table, tasks.channel.ring, living);
    this.wait = this.waitUntil(
      () => this.serve(),
      () => !this.goingOn && this.hasResults(),
      () => {
        // Nothing is pending: the next task marks the gate, unless its result comes while polling.
        this.unmarked = this.idle;
        return !this.unmarked;
      },
    );
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
    return out < this.window && !this.putting;
  }

  /** Tasks by their slot. */
  get tasks(): readonly (PoolTask | undefined)[] {
    return this.slots.tasks;
  }

  // Handing out.

  /** Takes the task over. Throws `NotSendableError`; then it is not pending. */
  submit(task: PoolTask): void {
    try {
      this.take(task);
    } finally {
      // A getter of the arguments may have submitted others.
      if (this.backlog.size > 0) this.fill();
    }
  }

  private take(task: PoolTask): void {
    // Hand the task out now if there is room and none waits before it.
    if (this.backlog.size === 0 && this.hasRoom) {
      if (task.more !== undefined && task.more.retries > 0) this.seal(task);
      if (this.handOut(task, undefined, this.willPoll)) {
        this.pending++;
        this.expect();
        return;
      }
    }
    // Otherwise copy its arguments, and let it wait in the heap.
    this.seal(task);
    this.backlog.push(task);
    this.pending++;
    this.expect();
  }

  /** Takes over a task that goes to the worker of its key. Throws as `submit` does. */
  submitKeyed(task: PoolTask, key: TaskKey): void {
    // Copy its arguments: it may have to move to another worker.
    this.seal(task);
    this.keyed ??= this.keyedTasks();
    this.keyed.push(task, key);
    this.pending++;
    this.keyed.fill();
    this.expect();
  }

  private keyedTasks(): KeyedTasks {
    const engine = this;
    return new KeyedTasks({
      members: this.host.members,
      slots: this.slots,
      get each() {
        return engine.each;
      },
      get isPutting() {
        return engine.putting;
      },
      handOut: (task, member) => this.handOut(task, member),
      refuse: (task, error) => this.settle(task, false, error),
    });
  }

  /** Hands out tasks, as far as there is room. */
  fill(): void {
    const { backlog } = this;
    this.keyed?.fill();
    while (backlog.size > 0 && this.hasRoom) {
      const task = backlog.shift();
      if (task === undefined) return;
      let out: boolean;
      try {
        out = this.handOut(task);
      } catch (error) {
        this.settle(task, false, error);
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

  private seal(task: PoolTask): void {
    if (task.sealed !== undefined || (task.mode & MODE_MASK) !== MODE.CALL) return;
    const values = task.payload as readonly unknown[];
    if (areConstant(values)) task.payload = values.slice();
    else {
      task.sealed = new Sealed(values, `${this.host.title}: ${task.fn.name}:`);
      if (task.sealed.payload[0].length > LARGE) this.statistics.sentLarge(task);
      task.payload = undefined;
    }
  }

  /**
   * Puts the task in the ring, the pool's or the worker's own; `false`: there is no room. Throws
   * `NotSendableError`, `NoSpaceError`.
   *
   * @param willPoll this thread polls for the result soon, and wakes a worker then if none has
   *   taken the task
   */
  private handOut(task: PoolTask, member?: Member, willPoll = false): boolean {
    const { message, slots } = this;
    const channel = member === undefined ? this.channel : this.ownRing(member).channel;
    const chunk = task.more?.chunk;
    // Fill a slot, and then the message that names it.
    const slot = slots.fill(
      chunk === undefined ? 0 : chunk.count,
      member === undefined ? undefined : channel.ring,
    );
    if (slot < 0) return false;
    message[0] = slots.ticketOf(slot);
    message[1] = task.fn.key;
    message[2] = task.sealed === undefined ? task.mode : task.mode | MODE.SEALED;
    message[3] = task.sealed === undefined ? task.payload : task.sealed.payload;
    // Put the item. Getters of the arguments must not put others meanwhile.
    let put = false;
    this.putting = true;
    try {
      put =
        channel.putter.putAtOnce(message) ||
        channel.putter.putSync(new Outgoing(message, this.host.title), ONCE);
    } catch (error) {
      throw refusal(error, task, this.host.title);
    } finally {
      this.putting = false;
      message[3] = undefined;
      if (!put) slots.giveUp(slot);
    }
    if (!put) return false;
    if (channel.ring.committed > LARGE && task.mode === MODE.CALL && task.sealed === undefined)
      this.statistics.sentLarge(task);
    // The task is out: note its slot, and wake a sleeping worker.
    slots.use(slot, task);
    if (member !== undefined) {
      if (this.table.takeIdleOf(member.index)) member.wake();
      return true;
    }
    if (willPoll) this.owesWakeUp = true;
    else this.wakeSleeper();
    return true;
  }

  /** Wakes a worker that sleeps, if there is one: the one that ran last, or any other. */
  private wakeSleeper(): void {
    const { latest } = this;
    if (latest?.canTake && this.table.takeIdleOf(latest.index)) {
      latest.wake();
      return;
    }
    const idle = this.table.takeIdle();
    if (idle !== 0) this.host.members[idle]?.wake();
  }

  /** Wakes a worker for a task that was handed out without it, unless the task was taken. */
  private wakeIfOwed(): void {
    if (!this.owesWakeUp) return;
    this.owesWakeUp = false;
    for (let look = 0; look < LOOKS_AT_RING; look++) if (this.channel.ring.empty) return;
    this.wakeSleeper();
  }

  /** The worker's own ring, which is made for its first task with a key. Throws `NoSpaceError`. */
  private ownRing(member: Member): Queue {
    if (member.own !== undefined) return member.own;
    const own = new Queue({ bytes: RING_BYTES });
    member.own = own;
    this.table.setPrivateRing(member.index, own.channel.cell);
    return own;
  }

  // Results.

  /**
   * Whether this thread will poll for the result of the next task, and the worker that brought the
   * last one is awake: it looks at the task ring before it sleeps, so no other need be woken.
   */
  private get willPoll(): boolean {
    const { latest } = this;
    return (
      this.inFlight === 0 &&
      MOST_SPINS > 0 &&
      !(this.listening && !this.unmarked) &&
      latest?.canTake === true &&
      !this.table.isIdle(latest.index)
    );
  }

  private get isWorthPolling(): boolean {
    return this.mean > 0 && this.mean < WORTH_POLLING;
  }

  /** Makes sure that results are read when they come. */
  private expect(): void {
    if (this.lookingSoon || (this.listening && !this.unmarked)) return;
    this.lookingSoon = true;
    queueMicrotask(() => this.look());
  }

  private look(): void {
    this.lookingSoon = false;
    if (this.idle) return;
    // Poll for one short task, and give the event loop a turn between polls.
    if (this.inFlight === 1 && this.isWorthPolling) {
      if (now() - this.polledSince > LONGEST_POLLS) {
        this.lookingSoon = true;
        setImmediate(() => {
          this.polledSince = now();
          this.look();
        });
        return;
      }
      if (this.polling.poll(LONGEST_POLL)) {
        this.serve();
        if (this.idle) return;
      }
    }
    // Otherwise await the results at the gate.
    this.wakeIfOwed();
    if (this.listening) this.cell.dispatch(false);
    else this.listen();
  }

  private listen(): void {
    this.listening = true;
    const ticket = this.cell.drawTicket();
    this.cell.enter(AWAITING_BIT, ticket);
    this.cell.await(this.wait, ticket, Deadline.NEVER, this).then(
      () => {
        this.listening = false;
        if (!this.idle) this.listen();
      },
      (error: unknown) => {
        this.listening = false;
        this.host.broken(error);
      },
    );
  }

  /** Whether nothing is pending and nothing runs. */
  get idle(): boolean {
    return this.pending === 0 && this.inFlight === 0;
  }

  /** Reads some results; returns whether nothing is left pending. */
  private serve(): boolean {
    if (this.goingOn) return false;
    if (this.drain(BATCH)) this.readOnSoon(now());
    return this.idle && !this.endingSoon;
  }

  /** Reads the rest after the code that awaited the first results has run. */
  private readOnSoon(since: number): void {
    this.goingOn = true;
    if (now() - since < LONGEST_TURN) queueMicrotask(() => this.readOn(since));
    else setImmediate(() => this.readOn(now()));
  }

  private readOn(since: number): void {
    if (this.drain(BATCH)) {
      this.readOnSoon(since);
      return;
    }
    this.goingOn = false;
    // Mark the gate only now: workers do not ring while this thread reads.
    this.cell.dispatch(false);
  }

  /**
   * A wait at the gate of all results. `serve` reads them and returns whether the wait is over;
   * `isNeeded`: whether results may come.
   */
  private waitUntil(serve: () => boolean, ready: () => boolean, isNeeded = () => true): Taking {
    const attempt = (): boolean => {
      for (;;) {
        if (serve()) return true;
        if (this.goingOn || !isNeeded()) return false;
        // PUBLISH WAITERS -> ring
        this.gate.mark();
        if (!ready()) return false;
      }
    };
    return { tryTake: serve, peek: ready, attempt, abandon: () => {}, taken: () => {}, suspect: () => 0 };
  }

  hasResults(): boolean {
    for (const member of this.host.members) if (member?.alive && !member.channel.ring.empty) return true;
    return false;
  }

  /** Takes results of all workers; returns whether there may be more than `most`. */
  drain(most: number): boolean {
    let left = most;
    this.readAt = now();
    const { members } = this.host;
    try {
      // Take results, worker by worker.
      for (let index = 1; index < members.length; index++) {
        const member = members[index];
        if (member?.alive !== true) continue;
        while (left > 0 && this.takeFrom(member)) left--;
      }
    } catch (error) {
      this.host.broken(error);
      return false;
    }
    // Hand out more tasks: slots have become free.
    this.resize();
    this.fill();
    this.host.moved();
    return left === 0;
  }

  /** Takes all results that a worker has left. */
  drainFrom(member: Member): void {
    this.readAt = now();
    while (this.takeFrom(member));
  }

  /** Takes all results, and hands nothing out. */
  drainAll(): void {
    for (const member of this.host.members) if (member?.alive) this.drainFrom(member);
  }

  /** *Blocks* until `over`. */
  block(over: () => boolean, deadline: Deadline): boolean {
    const serve = (): boolean => {
      this.drain(Number.POSITIVE_INFINITY);
      if (over()) return true;
      this.host.look();
      return over();
    };
    // Cancel a planned read, because this reads all results.
    this.goingOn = false;
    if (this.owesWakeUp) {
      this.polling.poll(LONGEST_POLL);
      this.wakeIfOwed();
    }
    return takeBlocking(
      this.cell,
      this.waitUntil(serve, () => this.hasResults() || over()),
      deadline,
    );
  }

  private takeFrom(member: Member): boolean {
    const reply = member.channel.taker.take();
    if (reply === NOTHING) return false;
    const [kind, ticket, value, microseconds] = reply as [number, number, unknown, number];
    // Pass all other messages to the pool.
    if (kind > REPLY.THREW) {
      this.host.heard(member, reply as Reply);
      return true;
    }
    // Drop the result of a task that no longer has its slot.
    const task = this.taskOf(ticket);
    if (task === undefined) return true;
    // Count it, free the slot, and settle the promise.
    member.hasResults = true;
    this.latest = member;
    this.statistics.ran(task, microseconds, member, this.readAt);
    this.timed(member, microseconds);
    this.slots.release(task);
    this.left(task);
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
    this.slots.release(task);
    this.settle(task, true, undefined);
    chunk.over();
  }

  /** The task of that ticket, if it still has its slot. */
  taskOf(ticket: number): PoolTask | undefined {
    const slot = slotOf(ticket);
    const task = this.tasks[slot];
    return task !== undefined && this.slots.ticketOf(slot) === ticket ? task : undefined;
  }

  timed(member: Member, microseconds: number): void {
    member.tasks++;
    member.busy += microseconds / 1000;
    this.mean = this.mean === 0 ? microseconds : this.mean + (microseconds - this.mean) * NEWEST;
    this.slots.seen(member);
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
      if (more?.key !== undefined) this.keyed!.ended(more.key);
      if (ok) {
        this.statistics.done++;
        resolve(value);
      } else {
        this.statistics.failed++;
        reject!(isOurs ? this.host.failed(task, value, isOfWorker) : value);
      }
    }
    // Remove timers and listeners. Resolve `ended` when the task no longer runs.
    if (more !== undefined) finishMore(more, task.slot < 0);
    this.endIfIdle();
  }

  private endIfIdle(): void {
    if (!this.idle) return;
    this.host.settled();
    if (!this.listening || this.endingSoon) return;
    // Keep listening for a turn, because the caller may submit another task.
    this.endingSoon = true;
    setImmediate(() => {
      this.endingSoon = false;
      if (this.idle) this.cell.dispatch(false);
    });
  }

  /** Withdraws a task that no worker has begun. `false`: it runs. */
  withdraw(task: PoolTask): boolean {
    const { slot } = task;
    if (slot < 0) {
      if (task.more?.key === undefined) this.backlog.withdraw(task);
      else this.keyed!.withdraw(task);
      return true;
    }
    if (!this.slots.withdraw(task)) return false;
    this.left(task);
    return true;
  }

  /** Settles the promise of a task that is given up. */
  cancelled(task: PoolTask, reason: unknown): void {
    this.statistics.cancelled++;
    this.statistics.failed--;
    // Pass the reason on unchanged: it may be any value, even an object that the program still
    // uses.
    this.settle(task, false, reason, false, false);
  }

  /** Keeps listening, and the event loop running, without a task. */
  hold(): void {
    this.pending++;
    this.expect();
  }

  unhold(): void {
    this.pending--;
    this.endIfIdle();
  }

  /** A worker has died with a task. */
  lost(): void {
    this.statistics.lost++;
  }
}

/** The value that can't be sent, by its path from the arguments. */
function refusal(error: unknown, task: PoolTask, title: string): unknown {
  if (!(error instanceof NotSendableError)) return error;
  const chunk = task.more?.chunk !== undefined;
  try {
    packWhole(task.payload, 'process', `${title}: ${task.fn.name}:`, chunk ? 'items' : 'args');
  } catch (better) {
    return better;
  }
  return error;
}

function finishMore(more: NonNullable<PoolTask['more']>, isOver: boolean): void {
  more.ignoreAbort?.();
  more.ignoreAbort = undefined;
  clearTimers(more);
  if (isOver) for (const tell of more.ended.splice(0)) tell();
}

function clearTimers(more: NonNullable<PoolTask['more']>): void {
  clearTimeout(more.timer);
  clearTimeout(more.queueTimer);
  more.timer = undefined;
  more.queueTimer = undefined;
}
