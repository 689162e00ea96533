/**
 * Keyed tasks: tasks that were submitted with a `key`. All tasks of a key go to one worker, in the
 * order of their calls, while that worker lives.
 *
 * Each worker has a lane: the keyed tasks that wait for it in the pool's heap, and those that lie
 * in its own ring (see task-table.ts). A new key gets the lane with the fewest tasks.
 *
 *   open ── its worker retires or is stopped ──▶ closing ── nothing of it runs ──▶ gone
 *    └───── its worker dies ──▶ orphaned ── that worker is replaced ──▶ gone
 *
 * A lane that is not open takes back what its worker has not begun. When it is gone, its tasks move
 * to other lanes, in their order; so a key never has tasks in two lanes. Where no worker can take
 * them, they wait in a lane without a worker.
 *
 * The lanes of the keys that were used last are remembered, even while these have no task.
 *
 * A task can also be pinned to one worker (`broadcast`). Its key is a symbol of its own, and it
 * never moves to another lane: if its worker ends before it began, the host ends the task.
 */

import { Backlog } from './backlog.ts';
import type { Member } from './member.ts';
import type { PoolTask, TaskKey } from './pool-task.ts';
import type { Slots } from './slots.ts';

/** Keys without a task whose lane is remembered. */
const MOST_REMEMBERED = 10_000;
/** Slots that lie in the workers' own rings, at most. */
const MOST_OUT = 512;

/** The outcome of a pinned task whose worker has ended as planned. */
export const LEFT_OUT: unique symbol = Symbol('left out');

/** A key with its lane. */
interface KeyInUse {
  lane: Lane;
  /** Tasks without an outcome. */
  pending: number;
}

/** The keyed tasks of one worker. */
class Lane {
  /** `undefined`: its tasks wait until a worker can take them. */
  readonly member: Member | undefined;
  readonly waiting: Backlog = new Backlog();
  /** Tasks that were taken back since it closed. */
  back: PoolTask[] = [];
  /** Tasks that have a slot. */
  out = 0;
  state: 'open' | 'closing' | 'orphaned' | 'gone' = 'open';

  constructor(member?: Member) {
    this.member = member;
  }

  get load(): number {
    return this.waiting.size + this.out;
  }
}

/** The services that keyed tasks need from the engine. */
export interface KeyedHost {
  readonly members: readonly (Member | undefined)[];
  readonly slots: Slots<PoolTask>;
  /** Number of tasks that one worker should have at hand. */
  readonly each: number;
  readonly isPutting: boolean;
  /** Puts the task into the worker's own ring; `false`: there is no room. */
  handOut(task: PoolTask, member: Member): boolean;
  /** The task can't be handed out. */
  refuse(task: PoolTask, error: unknown): void;
  /** The worker to which the task was pinned has ended, or is about to, and has not begun it. */
  leftOut(task: PoolTask, member: Member): void;
}

export class KeyedTasks {
  /** Tasks that wait in the heap. */
  waiting = 0;
  /** Tasks that have a slot. */
  out = 0;
  private readonly host: KeyedHost;
  /** By the numbers of their workers. */
  private readonly lanes = new Map<number, Lane>();
  private homeless = new Lane();
  /** Keys with tasks. */
  private readonly busy = new Map<TaskKey, KeyInUse>();
  /** Keys without tasks, the most recently used last. */
  private readonly resting = new Map<TaskKey, KeyInUse>();
  private count = 0;
  /** Pinned tasks without an outcome. */
  private pinned = 0;

  constructor(host: KeyedHost) {
    this.host = host;
  }

  /** Number of workers that the tasks can keep busy. Pinned ones need no further worker. */
  get width(): number {
    return Math.min(this.busy.size, this.waiting + this.out) - this.pinned;
  }

  /** The workers to which tasks can be pinned. */
  get workers(): Member[] {
    return this.host.members.filter((member) => this.isOpen(member)) as Member[];
  }

  /**
   * Takes a new task; `fill` hands it out.
   *
   * @param member one of `workers`, to which the task is pinned: then its key is a new symbol
   */
  push(task: PoolTask, key: TaskKey, member?: Member): void {
    let used = this.busy.get(key);
    if (used === undefined) {
      if (member !== undefined) this.pinned++;
      const lane = member === undefined ? undefined : this.laneFor(member);
      used = this.resting.get(key) ?? { lane: lane ?? this.choose(), pending: 0 };
      this.resting.delete(key);
      this.busy.set(key, used);
    }
    used.pending++;
    const more = task.needMore();
    more.key = key;
    more.number = ++this.count;
    this.waiting++;
    this.laneOf(used).waiting.push(task);
  }

  /** Puts a task back that a worker has lost or not begun: it is the next of its key. */
  putBack(task: PoolTask): void {
    const lane = this.laneOf(this.busy.get(task.more!.key!)!);
    this.waiting++;
    if (lane.state === 'open') lane.waiting.putBack(task);
    else lane.back.push(task);
  }

  /** Withdraws a task that waits in the heap. */
  withdraw(task: PoolTask): void {
    this.waiting--;
    const { lane } = this.busy.get(task.more!.key!)!;
    if (lane.back.includes(task)) {
      lane.back = lane.back.filter((each) => each !== task);
      task.withdrawn = true;
    } else lane.waiting.withdraw(task);
  }

  /** Takes any waiting task out. */
  shift(): PoolTask | undefined {
    for (const lane of [this.homeless, ...this.lanes.values()]) {
      const task = lane.back.shift() ?? lane.waiting.shift();
      if (task === undefined) continue;
      this.waiting--;
      return task;
    }
    return undefined;
  }

  /** Hands out tasks, as far as their workers have room. */
  fill(): void {
    if (this.homeless.waiting.size > 0 && this.hasOpen()) this.leave(this.homeless);
    for (const lane of this.lanes.values())
      if (lane.state === 'orphaned' && !lane.member!.alive) this.leave(lane);
    for (const lane of this.lanes.values()) {
      if (lane.state === 'open' && lane.waiting.size > 0) this.fillLane(lane, lane.member!);
    }
  }

  /** The task no longer has its slot. */
  left(task: PoolTask): void {
    const lane = this.lanes.get(task.more!.lane)!;
    task.more!.lane = 0;
    lane.out--;
    this.out--;
    if (lane.state === 'closing' && lane.out === 0) this.leave(lane);
  }

  /** The task has its outcome. */
  ended(key: TaskKey): void {
    const { busy, resting } = this;
    const used = busy.get(key)!;
    if (--used.pending > 0) return;
    busy.delete(key);
    if (typeof key === 'symbol') {
      this.pinned--;
      return;
    }
    resting.set(key, used);
    if (resting.size <= MOST_REMEMBERED) return;
    const [oldest] = resting.keys();
    resting.delete(oldest!);
  }

  /** The worker takes no more tasks: takes back what it has not begun. */
  close(member: Member): void {
    const lane = this.laneOfWorker(member);
    if (lane?.state !== 'open') return;
    lane.state = 'closing';
    this.takeBack(lane);
    if (lane.out === 0) this.leave(lane);
  }

  /**
   * The worker has died: takes back what it has not begun. Call `gone` when the tasks that it ran
   * are settled, and `fill` when it is replaced.
   */
  orphan(member: Member): void {
    const lane = this.laneOfWorker(member);
    if (lane === undefined) return;
    lane.state = 'orphaned';
    this.takeBack(lane);
  }

  /** The dead worker's tasks were settled: its ring is about to go. */
  gone({ own }: Member): void {
    if (own !== undefined) this.host.slots.gone(own.channel.ring);
  }

  private laneOfWorker(member: Member): Lane | undefined {
    const lane = this.lanes.get(member.index);
    return lane?.member === member ? lane : undefined;
  }

  private takeBack(lane: Lane): void {
    const { slots } = this.host;
    const { index, own } = lane.member!;
    for (const task of [...slots.tasks]) {
      if (task?.more?.lane !== index || !slots.takeBack(task, own!.channel.ring)) continue;
      task.more.lane = 0;
      lane.out--;
      this.out--;
      this.waiting++;
      lane.back.push(task);
    }
  }

  private fillLane(lane: Lane, member: Member): void {
    const { host } = this;
    const most = Math.min(host.each, Math.max(2, Math.floor(MOST_OUT / this.lanes.size)));
    while (lane.out < most && !host.isPutting) {
      const task = lane.waiting.shift();
      if (task === undefined) return;
      this.waiting--;
      try {
        if (!host.handOut(task, member)) {
          this.putBack(task);
          return;
        }
      } catch (error) {
        host.refuse(task, error);
        continue;
      }
      task.more!.lane = member.index;
      lane.out++;
      this.out++;
    }
  }

  private laneOf(used: KeyInUse): Lane {
    if (used.lane.state === 'gone') used.lane = this.choose();
    return used.lane;
  }

  /** The lane with the fewest tasks; among equal ones, that of a worker that is ready. */
  private choose(): Lane {
    let best: Lane | undefined;
    for (const member of this.host.members) {
      if (!this.isOpen(member)) continue;
      const lane = this.laneFor(member);
      const isBetter =
        best === undefined ||
        lane.load < best.load ||
        (lane.load === best.load && member.state === 'ready' && best.member!.state !== 'ready');
      if (isBetter) best = lane;
    }
    return best ?? this.homeless;
  }

  /** The lane of a worker that is open. */
  private laneFor(member: Member): Lane {
    const lane = this.laneOfWorker(member) ?? new Lane(member);
    this.lanes.set(member.index, lane);
    return lane;
  }

  private hasOpen(): boolean {
    return this.host.members.some((member) => this.isOpen(member));
  }

  /** The lane's tasks move to other lanes, or wait until a worker can take them. */
  private leave(lane: Lane): void {
    lane.state = 'gone';
    if (lane === this.homeless) this.homeless = new Lane();
    else this.lanes.delete(lane.member!.index);
    // Those that were begun or handed out come first.
    const tasks = lane.back.splice(0).sort((one, other) => one.more!.number - other.more!.number);
    for (let task = lane.waiting.shift(); task !== undefined; task = lane.waiting.shift()) tasks.push(task);
    for (const task of tasks) {
      const key = task.more!.key!;
      if (typeof key !== 'symbol') this.laneOf(this.busy.get(key)!).waiting.push(task);
      else {
        this.waiting--;
        this.host.leftOut(task, lane.member!);
      }
    }
  }

  /** Whether tasks of a new key may go to the worker. */
  private isOpen(member: Member | undefined): member is Member {
    if (member?.alive !== true || member.stopping || member.state === 'retiring') return false;
    const state = this.lanes.get(member.index)?.state;
    return state === undefined || state === 'open';
  }
}
