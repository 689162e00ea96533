/** Member: a worker as the pool sees it: its child, its ring of results, its state. */

import type { Cell } from '../agents/cell.ts';
import { wakeOldest } from '../agents/waiters.ts';
import type { Queue } from '../messaging/queue.ts';
import type { Channel } from '../messaging/ring/channel.ts';
import { isShortage } from '../platform/descriptors.ts';
import { movingOf } from '../workers/child-state.ts';
import type { Process } from '../workers/process/process.ts';
import type { Moving } from '../workers/thread/moving.ts';
import type { Thread } from '../workers/thread/thread.ts';
import { LocalWorker } from './local-worker.ts';

/**
 *   starting ── READY ──▶ ready ── RETIRING ──▶ retiring ── its end ──▶ dead
 *       └───────────────────┴───── its end ──────────────────────────────▶
 */
export type MemberState = 'starting' | 'ready' | 'retiring' | 'dead';

/** A worker as something that runs. */
export type WorkerChild = Process | Thread | LocalWorker;

export class Member {
  /** Number of the worker in the task table. */
  readonly index: number;
  readonly child: WorkerChild;
  readonly results: Queue;
  readonly channel: Channel;
  /** The cell at which it sleeps. */
  readonly bed: Cell;
  /** Milliseconds of this thread's clock. */
  readonly born: number;
  /** How memory moves to and from it; `undefined`: it is a process. */
  readonly moving: Moving | undefined;
  /** Number of processes that the kernel had killed for lack of memory when it began. */
  readonly killsBefore: number | undefined;
  state: MemberState = 'starting';
  /** Tasks that it has ended. */
  tasks = 0;
  /** Whether it has brought the result of a task, or of an item. */
  hasResults = false;
  /** Whether it has run as many tasks as it may. */
  isSpent = false;
  /** Milliseconds in which it ran tasks. */
  busy = 0;
  /** Its own task ring, in which the tasks with a key lie. */
  own: Queue | undefined;
  /** Whether it was asked to stop. */
  stopping = false;
  /** The error, if its process has reported one that no code has caught. */
  uncaught: unknown;
  /** Whether the pool has killed it. */
  killed = false;

  constructor(index: number, child: WorkerChild, results: Queue, born: number, killsBefore?: number) {
    this.index = index;
    this.child = child;
    this.moving = child instanceof LocalWorker ? child.moving : movingOf(child);
    this.results = results;
    this.channel = results.channel;
    this.bed = results.channel.joins.cell;
    this.born = born;
    this.killsBefore = killsBefore;
  }

  /** Process or thread id. */
  get id(): number {
    return ('pid' in this.child ? this.child.pid : this.child.ident) ?? 0;
  }

  get alive(): boolean {
    return this.state !== 'dead';
  }

  /** Whether it works in a thread of its own, and takes tasks as long as it is awake. */
  get canTake(): boolean {
    return this.state === 'ready' && !this.stopping && !this.isSpent && !(this.child instanceof LocalWorker);
  }

  wake(): void {
    if (this.child instanceof LocalWorker) this.child.ring();
    else wakeOldest(this.bed.agent, this.bed);
  }

  kill(): void {
    this.killed = true;
    if (this.child.isAlive()) this.child.kill();
  }

  /** Releases its objects, after its end was handled. */
  release(): void {
    this.state = 'dead';
    for (const ring of [this.results, this.own]) {
      try {
        ring?.[Symbol.dispose]();
      } catch (error) {
        // Without a descriptor its files can't be listed. They are removed with their folder.
        if (!isShortage(error)) throw error;
      }
    }
  }
}
