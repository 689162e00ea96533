/**
 * Pools: the pools of a namespace, their workers and tasks, read from the task tables
 * (pool/task-table.ts, pool/observed.ts) without a lock.
 *
 * Each table is read twice. Slots whose STATE has changed between are left out. The objects that
 * a pool consists of become parts of it: its table stands for the pool.
 */

import { TIME_MASK } from '../memory/layout.ts';
import { dataFile } from '../namespaces/paths.ts';
import { functionNames } from '../pool/function-names.ts';
import type { CellRef, PoolAbout, WorkerSeen } from '../pool/observed.ts';
import { ABORT_BIT, PHASE, phaseOf, workerOf } from '../pool/slot-words.ts';
import { isLengthOfTable, MOST_WORKERS, NO_TASK, TaskTable, wordsFor } from '../pool/task-table.ts';
import { readSegment } from './copy.ts';
import { lastedSince } from './decode-agents.ts';
import type {
  AgentSnapshot,
  ObjectSnapshot,
  PoolSnapshot,
  PoolWorkerSnapshot,
  TaskSnapshot,
} from './types.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** The gates of a pool, by their roles. */
export const POOL_ROLES = {
  /** At which the pool's thread waits for results. */
  RESULTS: 'results to come',
  /** At which a worker waits for a task. */
  BED: 'task to come',
} as const;

/** The pools whose owners live. Marks their objects as parts, and their workers' agents. */
export function readPools(
  folder: string,
  agents: readonly AgentSnapshot[],
  objects: readonly ObjectSnapshot[],
  now: number,
): { pools: PoolSnapshot[]; damage: string[] } {
  const pools: PoolSnapshot[] = [];
  const damage: string[] = [];
  let index: ObjectIndex | undefined;
  for (const object of objects) {
    const { kind, state, cell, generation } = object;
    if (kind !== 'SharedArray' || !isLengthOfTable(Number(state.length))) continue;
    const tables = readTwice(`${folder}/${dataFile(cell, generation)}`);
    if (tables === undefined) continue;
    if (tables === 'damaged') {
      damage.push(`the task table of the pool in cell ${cell} is damaged`);
      continue;
    }
    const [before, table] = tables;
    const owner = agents.find(({ slot, life }) => slot === table.observed.owner && life !== 'dead');
    if (owner === undefined) continue;
    const pool = poolOf(object, before, table, agents, now);
    pools.push(pool);
    index ??= indexOf(objects);
    noteObjects(pool, table, object, index);
    for (const { slot, pid: _, threadId: __, ...work } of pool.workers) {
      const agent = agents.find((each) => slot !== null && each.slot === slot);
      // A pool that works in its own thread has no worker of its own.
      if (agent !== undefined && (agent !== owner || work.tasks.length > 0))
        (agent as Writable<AgentSnapshot>).work = work;
    }
  }
  return { pools, damage };
}

/** Returns `undefined` if the file holds another object, or was removed meanwhile. */
function readTwice(path: string): [before: TaskTable, table: TaskTable] | 'damaged' | undefined {
  const most = wordsFor(MOST_WORKERS) * 4;
  const first = readSegment(path, most)?.words;
  if (first === undefined || !TaskTable.isTable(first)) return undefined;
  const second = readSegment(path, most)?.words;
  if (second === undefined) return undefined;
  try {
    return [new TaskTable(first), new TaskTable(second)];
  } catch {
    // `LayoutError`.
    return 'damaged';
  }
}

function poolOf(
  { cell }: ObjectSnapshot,
  before: TaskTable,
  table: TaskTable,
  agents: readonly AgentSnapshot[],
  now: number,
): PoolSnapshot {
  const { observed } = table;
  const { kind, name, initializer } = aboutOf(observed.text);
  const title = name === null ? `${kind} #${cell}` : `${kind} ${JSON.stringify(name)}`;
  const names = functionNames(table.functionList(), table.functionBytes);
  const nameOf = (fn: number): string => names[fn] ?? '';
  const seen = new Map<number, WorkerSeen>();
  for (let worker = 1; worker <= table.workerCount; worker++) {
    const found = observed.workerIn(worker);
    if (found !== undefined) seen.set(worker, found);
  }
  const running = new Map<number, TaskSnapshot[]>();
  let { waiting: queued } = observed;
  for (let slot = 0; slot < table.slotCount; slot++) {
    const state = before.state(slot);
    const fn = before.functionIn(slot);
    // The function belongs to the state if that has stayed.
    if (state !== table.state(slot) || fn === NO_TASK) continue;
    const phase = phaseOf(state);
    if (phase === PHASE.QUEUED) queued++;
    if (phase !== PHASE.RUNNING && phase !== PHASE.DOOMED) continue;
    const started = table.started(slot);
    const worker = seen.get(workerOf(state));
    // A dead worker was running it, or it has only just been claimed.
    if (worker === undefined || started === 0 || isBefore(started, worker.began)) continue;
    const tasks = running.get(workerOf(state)) ?? [];
    const aborting = phase === PHASE.DOOMED || (state & ABORT_BIT) !== 0;
    tasks.push({ function: nameOf(fn), lasted: lastedSince(started, now), aborting });
    running.set(workerOf(state), tasks);
  }
  const workers = [...seen].map(([worker, { pid, threadId, began, isReady }]): PoolWorkerSnapshot => {
    const tasks = (running.get(worker) ?? []).sort((a, b) => b.lasted - a.lasted);
    const state = tasks.length > 0 ? 'running' : isReady ? 'idle' : 'starting';
    const agent = agents.find((each) => each.pid === pid && each.threadId === threadId);
    return {
      pid,
      threadId,
      slot: agent?.slot ?? null,
      pool: title,
      state,
      tasks,
      startsFor: state === 'starting' ? lastedSince(began, now) : null,
      initializer: state === 'starting' ? initializer : null,
    };
  });
  const calls = observed.calls.map(({ fn, ...call }) => ({ ...call, function: nameOf(fn) }));
  return { cell, kind, name, title, owner: observed.owner, workers, queued, calls };
}

interface About {
  readonly kind: PoolSnapshot['kind'];
  readonly name: string | null;
  readonly initializer: string | null;
}

function aboutOf(text: string): About {
  let about: Partial<PoolAbout> = {};
  try {
    about = (JSON.parse(text) ?? {}) as Partial<PoolAbout>;
  } catch {
    // The text is damaged.
  }
  const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    kind: about.kind === 'ThreadPool' ? 'ThreadPool' : 'Pool',
    name: textOf(about.name),
    initializer: textOf(about.initializer),
  };
}

/** Whether the one common time, of 31 bits, is before the other. */
function isBefore(time: number, other: number): boolean {
  return ((time - other) & TIME_MASK) > TIME_MASK >> 1;
}

interface ObjectIndex {
  readonly byCell: ReadonlyMap<number, Writable<ObjectSnapshot>>;
  /** The parts of an object, by its cell. */
  readonly partsOf: ReadonlyMap<number, readonly Writable<ObjectSnapshot>[]>;
}

function indexOf(objects: readonly ObjectSnapshot[]): ObjectIndex {
  const partsOf = new Map<number, ObjectSnapshot[]>();
  for (const object of objects) {
    if (object.part === null) continue;
    const parts = partsOf.get(object.part.of);
    if (parts === undefined) partsOf.set(object.part.of, [object]);
    else parts.push(object);
  }
  return { byCell: new Map(objects.map((object) => [object.cell, object])), partsOf };
}

/** Makes the table stand for the pool, and the other objects of the pool parts of it. */
function noteObjects(
  { title, name, kind, workers, queued }: PoolSnapshot,
  { observed, workerCount }: TaskTable,
  table: Writable<ObjectSnapshot>,
  { byCell, partsOf }: ObjectIndex,
): void {
  const running = workers.reduce((sum, { tasks }) => sum + tasks.length, 0);
  Object.assign(table, { kind, title, label: name, state: { workers: workers.length, running, queued } });
  const note = (
    { number, generation }: CellRef,
    items: string,
    gateRole: string,
    gateTitle: string,
  ): void => {
    const ring = byCell.get(number);
    if (ring?.generation !== generation) return;
    ring.part = { of: table.cell, role: items };
    ring.title = `${title}, its ${items}`;
    // The gate of joiners is part of the gate of room.
    const direct = partsOf.get(number) ?? [];
    for (const part of [...direct, ...direct.flatMap(({ cell }) => partsOf.get(cell) ?? [])]) {
      if (part.part!.role === 'join') {
        part.part = { of: number, role: gateRole };
        part.title = gateTitle;
      } else
        part.title = `${title}, ${part.part!.role === 'room' ? 'room for its' : 'the turn to put its'} ${items}`;
    }
  };
  note(observed.tasks, 'tasks', POOL_ROLES.RESULTS, title);
  for (let worker = 1; worker <= workerCount; worker++) {
    const seen = observed.workerIn(worker);
    const bed = `a task of ${title}`;
    if (seen !== undefined) note(seen.results, 'results', POOL_ROLES.BED, bed);
  }
}
