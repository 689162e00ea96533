/** The parts of an engine that the library's own steps of a pool need in the scenarios. */

import type { ControlHost, Engine, PoolSlots, Ring } from '../../internals.ts';
import type { Tools } from '../../scenario.ts';
import { cellOf } from '../objects.ts';
import type { Things } from './things.ts';
import { DOOMED, GIVEN_UP, LOST, WITHDRAWN } from './things.ts';

/** A task as the pool keeps it. */
export interface Task {
  slot: number;
  readonly more: TaskMore;
  readonly payload: readonly unknown[];
  readonly mode: number;
  readonly fn: { readonly name: string };
  resolve: (() => void) | undefined;
  needMore(): TaskMore;
  readonly number: number;
  attempt: number;
  /** Items of a chunk; 0: it is a call. */
  readonly items: number;
  readonly first: number;
  /** The worker in whose own ring it is put; 0: the pool's ring. */
  own: number;
}

export interface TaskMore {
  readonly retries: number;
  takenBack: number;
  /** A chunk's. */
  readonly chunk: { count: number; lost(next: number, end: number): void } | undefined;
}

/** A worker as the pool knows it. */
export interface Member {
  readonly index: number;
  readonly id: number;
  readonly child: { readonly exitCode: number };
  readonly own: { readonly channel: { readonly ring: Ring } };
}

/** What an engine does by the pool's side. */
export interface EngineHost {
  readonly tools: Tools<Things>;
  readonly slots: PoolSlots;
  readonly workers: number;
  /** Set by a death after which an item may be in nobody's hands. */
  readonly doubts: (() => void)[];
  retire(worker: number): void;
  withdraw(task: Task): boolean;
  again(task: Task): void;
  drain(): void;
  drainFrom(worker: number): void;
  end(task: Task, outcome: number): void;
}

/** For `settleDead` and `giveUp`. */
export function engineOf(host: EngineHost): Engine {
  const { slots, tools, doubts } = host;
  const parts = {
    handOut: {
      table: tools.things.table,
      slots,
      tasks: slots.tasks,
      keyed: {
        orphan: ({ index }: Member) => host.retire(index),
        gone: ({ own }: Member) => slots.gone(own.channel.ring),
      },
      left() {},
      withdraw: (task: Task) => host.withdraw(task),
      again: (task: Task) => host.again(task),
    },
    reading: {
      drainFrom: ({ index }: Member) => host.drainFrom(index),
      drainAll: () => host.drain(),
      drain: () => host.drain(),
    },
    settling: {
      lost() {},
      settle: (task: Task) => host.end(task, LOST),
      cancelled: (task: Task) => host.end(task, task.slot < 0 ? WITHDRAWN : GIVEN_UP),
    },
    alarms: { set: (_: number, ring: () => void) => doubts.push(ring) },
  };
  return parts as unknown as Engine;
}

/** For `giveUp` and `killTask`: a worker that is killed is `DOOMED`. */
export function controlOf(
  { tools: { lib, things, note }, workers }: EngineHost,
  engine: Engine,
): ControlHost {
  const cell = cellOf(things.bed);
  const members = Array.from({ length: workers + 1 }, (_, worker) => ({
    wake: () => void lib.wakeOldest(cell.agent, cell),
    kill: () =>
      note((ghosts) => {
        ghosts[DOOMED]! |= 1 << worker;
      }),
  }));
  const parts = { title: 'pool', engine, members, grace: Number.POSITIVE_INFINITY };
  return parts as unknown as ControlHost;
}
