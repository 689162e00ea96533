/** The parts of a snapshot: plain data, as `lockstep --json` prints it. */

import type { EndedBy, Holding } from '../agents/facts.ts';

/** Changes with every change of these types that a reader could trip over. */
export const SCHEMA = 1;

/** Some namespaces as they were at one time. */
export interface Snapshot {
  readonly schema: typeof SCHEMA;
  /** When it was taken, as an ISO date. */
  readonly taken: string;
  readonly namespaces: readonly NamespaceSnapshot[];
}

export interface NamespaceSnapshot {
  readonly folder: string;
  /** Its name; `null` for one program's own. */
  readonly name: string | null;
  /** Version of its layout; `null` if unknown. */
  readonly layout: number | null;
  /** The reason why it can't be read, or its faults; empty if there are none. */
  readonly problems: readonly string[];
  /** Whether agents and objects were read. */
  readonly readable: boolean;
  /** Processes that have a namespace of another layout open. */
  readonly pids: readonly number[];
  readonly agents: readonly AgentSnapshot[];
  /** Its programs' child processes that have touched no shared object yet. */
  readonly children: readonly ChildSnapshot[];
  /** The pools whose owners live. Each is among the objects, too, with the same cell. */
  readonly pools: readonly PoolSnapshot[];
  readonly objects: readonly ObjectSnapshot[];
}

/** A child process that has no agent yet. */
export interface ChildSnapshot {
  readonly pid: number;
  /** The process that has started it; `null`: not known. */
  readonly parent: number | null;
  readonly name: string;
  /** The module of its target, and the export; empty where not known. */
  readonly script: string;
  readonly target: string;
}

/** One thread in one namespace. */
export interface AgentSnapshot {
  readonly slot: number;
  readonly pid: number;
  /** `threadId` of `worker_threads`; 0 for the main thread. */
  readonly threadId: number;
  /** Number of the thread in the system; 0 not known. */
  readonly tid: number;
  readonly name: string;
  /** Its program's script; for a child of Lockstep's the module of its target. May be empty. */
  readonly script: string;
  /** The export that a child of Lockstep's runs; empty for others. */
  readonly target: string;
  /**
   * The arguments of its program, if programs of the same script run with different ones; otherwise
   * empty. Shortened, with `…` in place of secrets.
   */
  readonly args: string;
  /** The process that started it, if Lockstep did so; `null` for others, and for threads. */
  readonly parent: number | null;
  /** Whether its parent has ended while this process runs on. */
  readonly orphan: boolean;
  /** Version of its Lockstep; empty where not known. */
  readonly version: string;
  /** When it joined, in milliseconds since 1970; `null` where not known. */
  readonly started: number | null;
  /** `dead`: it has ended, and no agent has cleared up after it yet. */
  readonly life: 'alive' | 'dead' | 'unknown';
  /** Whether all of this read the same twice. */
  readonly steady: boolean;
  /** `null` while its thread runs, or its event loop. */
  readonly blocked: BlockedSnapshot | null;
  /**
   * The cell that its only flow awaits, while nothing else keeps its event loop running; else
   * `null`.
   */
  readonly alone: number | null;
  /** The children whose end awaiting calls of `join` wait for. At most three are recorded. */
  readonly ends: readonly AwaitedEnd[];
  /** Whether it keeps objects open for children that are being started. */
  readonly starting: boolean;
  /** The waits of its calls, blocked and awaiting. */
  readonly waits: readonly WaitSnapshot[];
  /** State of its thread in the system, as in `ps`; `null` where not known, or not asked. */
  readonly task: string | null;
  /** Its activity as the worker of a pool; `null` for all other threads. */
  readonly work: WorkSnapshot | null;
}

/** The activity of a worker of a pool. */
export interface WorkSnapshot {
  /** The title of its pool. */
  readonly pool: string;
  /** `starting`: its initializer is not done yet; `idle`: it waits for a task. */
  readonly state: 'starting' | 'idle' | 'running';
  /** The tasks that it runs, the longest first. */
  readonly tasks: readonly TaskSnapshot[];
  /** While it starts: milliseconds for which it has done so; otherwise `null`. */
  readonly startsFor: number | null;
  /** While it starts: the name of its initializer; `null`: it has none. */
  readonly initializer: string | null;
}

/** A task that runs. */
export interface TaskSnapshot {
  /** The name of its function; empty where not known. */
  readonly function: string;
  /** Milliseconds for which it has run; a chunk of a map counts as one task. */
  readonly lasted: number;
  /** Whether it was asked to stop. */
  readonly aborting: boolean;
}

/** A `Pool` or `ThreadPool`. */
export interface PoolSnapshot {
  readonly cell: number;
  readonly kind: 'Pool' | 'ThreadPool';
  readonly name: string | null;
  /** `Pool "images"`; `Pool #17` if it has no name. */
  readonly title: string;
  /** Slot of the agent that made it. */
  readonly owner: number;
  readonly workers: readonly PoolWorkerSnapshot[];
  /** Tasks that wait for a worker. */
  readonly queued: number;
  /** Calls with many items that are not done, and streams. At most eight are recorded. */
  readonly calls: readonly PoolCallSnapshot[];
}

export interface PoolWorkerSnapshot extends WorkSnapshot {
  readonly pid: number;
  readonly threadId: number;
  /** Slot of its agent; `null`: it has not joined yet. */
  readonly slot: number | null;
}

/** A call with many items, such as `map`. */
export interface PoolCallSnapshot {
  /** The method. */
  readonly what: string;
  readonly function: string;
  /** Items in all; `null`: not known. */
  readonly total: number | null;
  /** Items that have an outcome. */
  readonly done: number;
}

/** A process, or one of its threads other than the main thread. */
export interface ChildRef {
  readonly pid: number;
  /** 0 for the process. */
  readonly threadId: number;
}

/** The awaiting calls of `join` for one child. */
export interface AwaitedEnd extends ChildRef {
  /** Whether all these calls have a timeout. */
  readonly timed: boolean;
  /** Milliseconds since the oldest call for this child began. */
  readonly lasted: number;
}

export interface BlockedSnapshot {
  /** The cell that it waits for; `null` for something else, or several. */
  readonly cell: number | null;
  /** The process or thread whose end it waits for; `null` for something else. */
  readonly joins: ChildRef | null;
  /** Whether the wait may end by itself. */
  readonly timed: boolean;
  /** Milliseconds for which it has lasted; `null` where not known. */
  readonly lasted: number | null;
}

/** An agent's calls that wait for one object. */
export interface WaitSnapshot {
  readonly cell: number;
  /** How many calls. */
  readonly calls: number;
  /** Whether one of them blocks the thread. */
  readonly blocking: boolean;
  /**
   * Whether the blocked call ends by itself; without a blocked call, whether one of the others
   * does.
   */
  readonly timed: boolean;
  /** Milliseconds since the oldest call began. */
  readonly lasted: number;
  /** Its place among the waiters for the object: 1 for the first. */
  readonly place: number;
}

export interface ObjectSnapshot {
  readonly cell: number;
  readonly generation: number;
  /** The name of its class. */
  readonly kind: string;
  /** The name by which unrelated programs find it. */
  readonly name: string | null;
  /** A name that its program gave it for messages only. */
  readonly label: string | null;
  /** Its name in messages: `Lock "invoices"`, `Lock #17`, `Queue "jobs", room to put`. */
  readonly title: string;
  /** The object of which this is a part, and as what. */
  readonly part: { readonly of: number; readonly role: string } | null;
  /** Slots of the agents that have it open. */
  readonly openIn: readonly number[];
  /** Approximate number of items in queues and pipes that name it. */
  readonly kept: number;
  readonly holders: readonly Holding[];
  readonly endedBy: EndedBy;
  /** Whether a wait for it may be over; `null` if that depends on the waiter. */
  readonly over: boolean | null;
  /**
   * Whether threads other than its holder may release it: `used` if one has done so, `allowed` if
   * they may.
   */
  readonly signal: 'used' | 'allowed' | null;
  readonly state: Readonly<Record<string, number | boolean>>;
  /** Whether it read the same twice. */
  readonly steady: boolean;
  /** Calls that wait for it. */
  readonly waiting: number;
}
