/**
 * Crew: the workers of a pool: started, watched, replaced, ended.
 *
 * A worker that ends is replaced, sometimes after a delay (back-off.ts). A pool whose initializer
 * fails, or whose workers end before they are ready, is broken forever.
 *
 * A crew of processes keeps spares (spares.ts), which become the next workers. They are made half a
 * second after all workers are ready, or after the first has died: a short program needs none.
 */

import { clearTimeout, setTimeout } from '#clock';
import { commonTime, now } from '#park';
import { PoolBrokenError } from '../errors.ts';
import type { FunctionReference } from '../functions/resolving.ts';
import { TIME_MASK } from '../memory/layout.ts';
import { Queue } from '../messaging/queue.ts';
import { entryPoint } from '../package-root.ts';
import { platform } from '../platform/current.ts';
import type { RawArray } from '../shared/raw-array.ts';
import { threadId } from '../this-thread.ts';
import type { SpareKeeper } from '../workers/process/spares.ts';
import { withSpares } from '../workers/process/spares.ts';
import type { TargetModule } from '../workers/target.ts';
import type { Alarm, Alarms } from './alarms.ts';
import { BackOff } from './back-off.ts';
import { LocalWorker } from './local-worker.ts';
import type { WorkerChild } from './member.ts';
import { Member } from './member.ts';
import { RING_BYTES } from './messages.ts';
import type { Settings } from './settings.ts';
import type { StartStats } from './statistics.ts';
import type { TaskTable } from './task-table.ts';
import type { WorkerOrders } from './worker-orders.ts';
import { STOP } from './worker-words.ts';

/** Milliseconds between the workers' readiness and the making of a spare. */
const SPARE_AFTER = 500;

/** The arguments that a worker is started with. */
export interface ChildOrder {
  readonly target: TargetModule;
  readonly args: [WorkerOrders];
  readonly name: string;
  readonly daemon: true;
}

/** The spares that a crew of processes keeps. */
export interface Spares {
  readonly keeper: SpareKeeper;
  readonly count: number;
}

export type MakeChild = (order: ChildOrder) => WorkerChild;

export interface CrewOptions {
  readonly alarms: Alarms;
  readonly settings: Settings;
  readonly table: TaskTable;
  readonly array: RawArray<'i32'>;
  readonly tasks: Queue;
  readonly make: MakeChild;
  /** Threads have none. */
  readonly spares: Spares | undefined;
  readonly initializer: FunctionReference | undefined;
  readonly initArgs: readonly unknown[];
  readonly finalizer: FunctionReference | undefined;
  /** A worker has ended. */
  readonly died: (member: Member) => void;
  /** A worker takes no more tasks. */
  readonly leaves: (member: Member) => void;
  readonly broken: (error: Error) => void;
}

const TARGET: TargetModule = { module: entryPoint('pool-worker'), export: 'work' };

export class Crew {
  /** By their numbers in the task table, from 1 on. */
  readonly members: (Member | undefined)[];
  /** Number of workers that the crew shall have. */
  target: number;
  private readonly options: CrewOptions;
  private readonly backOff: BackOff;
  private sparing: NodeJS.Timeout | undefined;
  /** The ends of the times that initializers have. */
  private readonly limits = new Map<Member, Alarm | undefined>();
  /** Whether workers that end are no longer replaced. */
  ending = false;
  private started = 0;
  private warm = 0;
  private becameReady = 0;
  private startTime = 0;

  constructor(options: CrewOptions) {
    this.options = options;
    this.backOff = new BackOff(options.alarms);
    this.target = options.settings.min;
    this.members = new Array<undefined>(options.settings.max + 1).fill(undefined);
  }

  /** The number of living workers. */
  get size(): number {
    let size = 0;
    for (const member of this.members) if (member?.alive) size++;
    return size;
  }

  get starts(): StartStats {
    const { started, warm, becameReady, startTime } = this;
    return { warm, cold: started - warm, meanTime: becameReady === 0 ? 0 : startTime / becameReady };
  }

  get ready(): boolean {
    let ready = 0;
    for (const member of this.members) if (member?.state === 'ready') ready++;
    return ready >= Math.min(this.target, this.options.settings.max);
  }

  /**
   * Starts the missing workers. Throws the errors of a child's `start()`; the workers started so
   * far are killed.
   */
  fill(): void {
    const { members } = this;
    // Count the workers that stay.
    let staying = 0;
    for (const member of members)
      if (member?.alive && member.state !== 'retiring' && !member.stopping) staying++;
    // Start one in each empty place.
    for (let index = 1; index < members.length && staying < this.target; index++) {
      if (members[index] !== undefined) continue;
      this.start(index);
      staying++;
    }
  }

  /** The worker can take tasks. */
  isReady(member: Member): void {
    this.unlimit(member);
    this.backOff.succeeded();
    this.becameReady++;
    this.startTime += now() - member.born;
    if (member.state === 'starting') member.state = 'ready';
    if (this.ready) this.keepSpare();
  }

  /** The worker is about to end by itself: starts its replacement now, if there is a free place. */
  retires(member: Member): void {
    member.state = 'retiring';
    this.refill();
    this.options.leaves(member);
  }

  /** The worker has ended. Call once, after its tasks were settled. */
  lose(member: Member): void {
    this.unlimit(member);
    const mayRetry = this.ending || this.backOff.lost(member);
    // Free its place.
    this.options.table.observed.endWorker(member.index);
    member.release();
    this.members[member.index] = undefined;
    if (this.ending) return;
    if (!mayRetry) {
      this.options.broken(this.neverReady(member));
      return;
    }
    this.refill();
    if (this.becameReady > 0) this.keepSpare();
  }

  /** Asks the worker to end after its present tasks. */
  stop(member: Member): void {
    member.stopping = true;
    this.options.table.workers.setOrder(member.index, STOP);
    member.wake();
    this.options.leaves(member);
  }

  /** Asks all workers to end. From now on none is replaced. */
  stopAll(): void {
    this.endReplacing();
    for (const member of this.members) if (member?.alive) this.stop(member);
  }

  killAll(): void {
    this.endReplacing();
    for (const member of this.members) if (member?.alive) member.kill();
  }

  endReplacing(): void {
    this.ending = true;
    this.backOff.end();
    clearTimeout(this.sparing);
    this.options.spares?.keeper.keep(0);
  }

  /** Starts the missing workers, now or after the back-off. */
  refill(): void {
    if (!this.ending) this.backOff.start(() => this.fillOrBreak());
  }

  /** Makes a spare a little later. From then on the keeper replaces each spare that is taken. */
  private keepSpare(): void {
    const { spares } = this.options;
    if (spares === undefined || spares.count === 0 || this.ending || this.sparing !== undefined) return;
    this.sparing = setTimeout(() => {
      try {
        spares.keeper.keep(spares.count);
      } catch {
        // The system refuses to start a spare. Replacements start cold, and report the problem
        // themselves.
        spares.keeper.keep(0);
      }
    }, SPARE_AFTER);
    this.sparing.unref();
  }

  private fillOrBreak(): void {
    try {
      this.fill();
    } catch (cause) {
      const { title } = this.options.settings;
      const why = cause instanceof Error ? cause.message : String(cause);
      this.options.broken(
        new PoolBrokenError(`${title}: broken, a worker can't be started (${why}); see the cause`, { cause }),
      );
    }
  }

  private start(index: number): void {
    const { settings, tasks, array, table, make, spares, initializer, initArgs, finalizer, died } =
      this.options;
    // Make its ring, and reset its words in the table.
    const results = new Queue({ bytes: RING_BYTES });
    table.workers.begin(index);
    table.workers.setPrivateRing(index, undefined);
    table.workers.clearIdle(index);
    table.observed.endWorker(index);
    const { concurrency, maxTasksPerChild: mostTasks } = settings;
    try {
      // Start the child, from a spare if there is one.
      const child = make({
        target: TARGET,
        args: [
          {
            title: settings.title,
            index,
            tasks,
            table: array,
            results,
            concurrency,
            mostTasks,
            initializer,
            initArgs,
            finalizer,
          },
        ],
        name: `PoolWorker-${++this.started}`,
        daemon: true,
      });
      const began = now();
      const used = spares?.keeper.used;
      if (spares === undefined) child.start();
      else withSpares(spares.keeper, () => child.start());
      if (used !== spares?.keeper.used) this.warm++;
      // Note it as a member, and watch for its end.
      const kills = 'pid' in child ? platform.outOfMemoryKills() : undefined;
      const member = new Member(index, child, results, began, kills);
      this.members[index] = member;
      this.observe(member);
      child.once('exit', () => died(member));
      if (initializer !== undefined) this.limit(member);
    } catch (error) {
      results[Symbol.dispose]();
      throw error;
    }
  }

  /** Notes the worker for observers outside. */
  private observe({ index, child, results }: Member): void {
    const isThread = !('pid' in child);
    const pid = isThread ? process.pid : (child.pid ?? 0);
    const thread = isThread ? (child.ident ?? 0) : child instanceof LocalWorker ? threadId : 0;
    const { number, generation } = results.channel.cell;
    this.options.table.observed.beginWorker(
      index,
      pid,
      thread,
      { number, generation },
      commonTime() & TIME_MASK,
    );
  }

  private limit(member: Member): void {
    const { title, initTimeout } = this.options.settings;
    const tooLong = (): void => {
      this.options.broken(
        new PoolBrokenError(
          `${title}: broken, its initializer has not come to an end in ${initTimeout} ms; give it longer (initTimeout), or make it do less`,
        ),
      );
    };
    this.limits.set(member, this.options.alarms.set(initTimeout, tooLong, true));
  }

  /** The worker's initializer is over. */
  private unlimit(member: Member): void {
    this.options.alarms.clear(this.limits.get(member));
    this.limits.delete(member);
  }

  private neverReady(member: Member): PoolBrokenError {
    const { title } = this.options.settings;
    return new PoolBrokenError(
      `${title}: broken, ${this.backOff.falseStarts} workers in a row have ended before they could take a task, the last with exit code ${member.child.exitCode}; ` +
        `see what they printed on standard error, and the options of Node (${process.execArgv.join(' ') || 'none'})`,
    );
  }
}
