/** Pool core: the parts of a pool, and how they are put together. */

import type { Words } from '../memory/atomics.ts';
import { Queue } from '../messaging/queue.ts';
import { RawArray } from '../shared/raw-array.ts';
import { referenceToTarget } from '../workers/target.ts';
import { Alarms } from './alarms.ts';
import { ofCaller } from './callers.ts';
import { ContextHooks, checkContext } from './context.ts';
import type { MakeChild, Spares } from './crew.ts';
import { Crew } from './crew.ts';
import { notBegun } from './deaths.ts';
import type { EngineHost } from './engine.ts';
import { Engine } from './engine.ts';
import type { WorkFunction } from './function-list.ts';
import { FunctionList } from './function-list.ts';
import { LocalWorker } from './local-worker.ts';
import type { Member } from './member.ts';
import type { Reply } from './messages.ts';
import { RING_BYTES } from './messages.ts';
import type { Observed } from './observed.ts';
import type { CommonPoolOptions } from './pool-options.ts';
import type { Settings } from './settings.ts';
import { settingsOf } from './settings.ts';
import { Sizing } from './sizing.ts';
import { PoolStatistics } from './statistics.ts';
import type { ControlHost } from './task-control.ts';
import { TaskTable, wordsFor } from './task-table.ts';
import type { LocalFunctions } from './worker.ts';

const NO_ARGUMENTS: readonly unknown[] = [];

/** The order for a pool. */
export interface PoolOrder {
  readonly kind: 'Pool' | 'ThreadPool';
  readonly options: CommonPoolOptions<unknown, readonly unknown[]>;
  /** The number of workers, as the program gave it. */
  readonly count: unknown;
  readonly make: MakeChild;
  readonly spares: Spares | undefined;
}

/** Receives the events of the parts. */
export interface CoreEvents {
  /** A worker has ended. */
  ended(member: Member): void;
  /** A worker has put a message that is not the result of a call. */
  heard(member: Member, reply: Reply): void;
  /** Checks whether workers have ended, where no event can arrive. */
  look(): void;
  /** Tasks have left the heap. */
  moved(): void;
  /** A worker was added: more tasks may be handed out. */
  grown(): void;
  /** The last pending task has ended. */
  rested(): void;
  /** The pool can't continue. */
  broken(error: Error): void;
  /** The pool can't continue, because of an error that comes from damaged memory. */
  damaged(cause: unknown): void;
}

export class PoolCore {
  readonly title: string;
  readonly settings: Settings;
  readonly statistics: PoolStatistics;
  readonly functions: FunctionList;
  readonly observed: Observed;
  /** `undefined`: the context of calls stays here. */
  readonly context: ContextHooks | undefined;
  readonly crew: Crew;
  readonly engine: Engine;
  readonly control: ControlHost;
  readonly sizing: Sizing;
  readonly alarms: Alarms = new Alarms();
  private readonly tasks: Queue;
  private readonly array: RawArray<'i32'>;

  /** Throws the errors of wrong options. No worker is started. */
  constructor({ kind, options, count, make, spares }: PoolOrder, events: CoreEvents) {
    const settings = settingsOf(kind, options, count);
    const { title, max, grace } = settings;
    const { initializer, initArgs = NO_ARGUMENTS, finalizer, context } = options;
    this.title = title;
    this.settings = settings;
    this.statistics = new PoolStatistics(title, settings.statistics);
    const reference = (fn: unknown, what: string) =>
      fn === undefined ? undefined : referenceToTarget(fn, `${title}: ${what}`, false);
    const first = reference(initializer, 'initializer');
    const last = reference(finalizer, 'finalizer');
    checkContext(context, title);
    // The shared memory: the ring of tasks, and the table.
    this.tasks = new Queue({ bytes: RING_BYTES });
    this.array = new RawArray('i32', wordsFor(max));
    const words = this.array.view as Words;
    TaskTable.init(words, max);
    const table = new TaskTable(words);
    const { agent, number, generation } = this.tasks.channel.cell;
    this.observed = table.observed;
    this.observed.begin(
      agent.slot,
      { number, generation },
      { kind, name: options.name, initializer: first?.export },
    );
    this.functions = new FunctionList(table);
    this.context = context === undefined ? undefined : new ContextHooks(context, this.functions, title);
    // The workers.
    const local: LocalFunctions = {
      list: this.functions,
      initializer: initializer as WorkFunction | undefined,
      finalizer: finalizer as WorkFunction | undefined,
      makeRoom: () => void this.engine.reading.drain(Number.POSITIVE_INFINITY),
    };
    const { alarms } = this;
    this.crew = new Crew({
      alarms,
      settings,
      table,
      array: this.array,
      tasks: this.tasks,
      make: settings.isHere ? ({ args: [orders] }) => new LocalWorker(orders, local, settings.moves) : make,
      spares: settings.isHere ? undefined : spares,
      initializer: first,
      initArgs,
      finalizer: last,
      died: (member) => events.ended(member),
      leaves: (member) => this.engine.handOut.leaves(member),
      broken: (error) => events.broken(error),
    });
    // The engine, which hands tasks out and settles them, and the control of both.
    this.engine = new Engine(table, this.tasks, this.engineHost(events), this.statistics);
    const { crew, engine } = this;
    this.control = {
      title,
      engine,
      alarms,
      members: crew.members,
      grace,
      get width() {
        return Math.max(1, crew.target * settings.concurrency);
      },
    };
    this.sizing = new Sizing(settings, crew, engine, () => events.grown());
  }

  /** Releases the shared memory, after all workers have ended. */
  release(): void {
    this.sizing.close();
    this.engine.reading.close();
    this.tasks[Symbol.dispose]();
    this.array.close();
  }

  private engineHost(events: CoreEvents): EngineHost {
    const { alarms, crew, title, settings, statistics } = this;
    return {
      alarms,
      title,
      members: crew.members,
      concurrency: settings.concurrency,
      get width() {
        return crew.target * settings.concurrency;
      },
      ran: (member) => {
        if (member.tasks === settings.maxTasksPerChild) member.isSpent = true;
        if (!this.sizing.isTooLarge(member)) return;
        statistics.causes.memory++;
        crew.retires(member);
        crew.stop(member);
      },
      moved: () => events.moved(),
      submitted: () => this.sizing.submitted(),
      settled: () => {
        this.sizing.rested();
        events.rested();
      },
      heard: (member, reply) => events.heard(member, reply),
      look: () => events.look(),
      failed: ofCaller,
      notBegun: (task, member) => notBegun(this.engine, task, member, title),
      broken: (error) => events.damaged(error),
    };
  }
}
