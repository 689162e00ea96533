/** FindingTypes: the reasons why threads wait, as data. */

import type { Task } from './tasks.ts';
import type {
  AgentSnapshot,
  ChildRef,
  ObjectSnapshot,
  PoolCallSnapshot,
  TaskSnapshot,
  WorkSnapshot,
} from './types.ts';

/** A shared object, as findings name it. */
export interface ObjectRef {
  readonly folder: string;
  readonly cell: number;
  readonly title: string;
  readonly kind: string;
}

/** A thread, as findings name it. */
export interface Member {
  readonly folder: string;
  readonly namespace: string | null;
  readonly slot: number;
  readonly pid: number;
  readonly threadId: number;
  readonly tid: number;
  readonly name: string;
  readonly program: string;
  /** Whether the parent of its process has ended. */
  readonly orphan: boolean;
  /**
   * `blocked`, `awaits` (that alone), `busy`, `idle` (in its event loop), `stopped` (by SIGSTOP),
   * `dead` (and not yet cleared up), `alive` where nothing else is known.
   */
  readonly state: 'blocked' | 'awaits' | 'busy' | 'idle' | 'stopped' | 'dead' | 'alive';
  readonly holds: readonly ObjectRef[];
  readonly waitsFor: ObjectRef | null;
  /**
   * The objects that it awaits while its event loop may do other things. Any of those could end the
   * wait, so the thread does not count as waiting.
   */
  readonly alsoAwaits: readonly ObjectRef[];
  /** The children whose end it awaits, in the same way; three at most. */
  readonly alsoJoins: readonly ChildRef[];
  /** The process or thread whose end it waits for. */
  readonly joins: ChildRef | null;
  /** Milliseconds for which it has waited; `null` where it does not, or that is not known. */
  readonly lasted: number | null;
  /** Whether its wait may end by itself. */
  readonly timed: boolean;
  /** Its activity as the worker of a pool; `null` for all other threads. */
  readonly work: WorkSnapshot | null;
}

/** A thread that waits behind another. */
export interface Branch {
  readonly member: Member;
  readonly object: ObjectRef | null;
  /** The child whose end it waits for; `null` where it waits for an object. */
  readonly child: ChildRef | null;
  readonly calls: number;
  readonly lasted: number;
  readonly blocking: boolean;
  readonly timed: boolean;
  readonly behind: readonly Branch[];
}

export interface Deadlock {
  readonly kind: 'deadlock';
  /** Whether no thread could ever end it, not even by releasing a lock for its holder. */
  readonly certain: boolean;
  readonly members: readonly Member[];
  /** Its locks that were made with `deadlock: 'ignore'`. */
  readonly ignored: readonly ObjectRef[];
  readonly behind: readonly Branch[];
  readonly lasted: number;
}

export interface NobodyLeft {
  readonly kind: 'nobody';
  readonly object: ObjectRef;
  /** The act that would end the waits, as in "nobody is left who could …". */
  readonly ending: string;
  readonly named: boolean;
  /** The state of the object, as in a snapshot. */
  readonly state: ObjectSnapshot['state'];
  readonly waiters: readonly Branch[];
  /** Other threads that have it open, and are stuck elsewhere. */
  readonly others: readonly Member[];
  readonly lasted: number;
}

export interface Keeper {
  readonly kind: 'keeper';
  readonly by: Member;
  readonly behind: readonly Branch[];
  /** Threads behind it that it has started. It may await their end without a record of that. */
  readonly children: readonly Member[];
  readonly calls: number;
  readonly lasted: number;
}

export type Finding = Deadlock | NobodyLeft | Keeper;

/** Calls that wait for something that a thread may still bring. */
export interface OpenWait {
  readonly object: ObjectRef;
  /** The act that would end the waits, as in "could …". */
  readonly ending: string;
  readonly named: boolean;
  readonly waiters: readonly Branch[];
  /** Whether the waiting threads hold it themselves: other code of theirs can release it. */
  readonly heldByItself: boolean;
  /** The state of the object, as in a snapshot. */
  readonly state: ObjectSnapshot['state'];
  /** The living threads that have the object open and do not wait for it. */
  readonly openIn: readonly Member[];
  readonly calls: number;
  readonly lasted: number;
}

/** A thread that waits for the end of children. */
export interface ChildWait {
  readonly by: Member;
  /** The children, in the order of their waits, the longest first. */
  readonly children: readonly AwaitedChild[];
  readonly lasted: number;
}

/** A child whose end a thread waits for. */
export interface AwaitedChild extends ChildRef {
  /** `null`: only its number is known. A child that has touched no shared object has slot 0. */
  readonly member: Member | null;
  readonly blocking: boolean;
  readonly timed: boolean;
  readonly lasted: number;
}

/** A pool that has kept its program waiting. */
export interface PoolWait {
  readonly pool: ObjectRef;
  /** The thread that made it. */
  readonly owner: Member;
  /** Whether calls of that thread wait for results. */
  readonly isAwaited: boolean;
  /** The tasks that run, the longest first. */
  readonly tasks: readonly PoolTaskSeen[];
  /** Workers that have not begun to take tasks. */
  readonly starting: readonly PoolMember[];
  /** Number of workers that wait for a task, and could take one. */
  readonly idle: number;
  /** Workers that could take no task, as they were stopped or have died. */
  readonly disabled: readonly PoolMember[];
  /** Number of tasks that wait for a worker. */
  readonly queued: number;
  readonly calls: readonly PoolCallSnapshot[];
  /** Milliseconds: how long the longest task has run, or the pool has been waited for. */
  readonly lasted: number;
}

/** A task that runs, and its worker. */
export interface PoolTaskSeen extends TaskSnapshot {
  readonly by: PoolMember;
}

/** A worker of a pool; only its ids are known until it has joined the namespace. */
export interface PoolMember extends WorkSnapshot {
  readonly pid: number;
  readonly threadId: number;
  readonly member: Member | null;
}

export interface Findings {
  readonly findings: readonly Finding[];
  /** Waits of `least` milliseconds or more that a thread may still end, the longest first. */
  readonly open: readonly OpenWait[];
  /** Pools with a task that has run for `least` milliseconds or more, or cannot begin to run. */
  readonly pools: readonly PoolWait[];
  /** Threads that have waited for the end of a child for `least` milliseconds or more. */
  readonly children: readonly ChildWait[];
  /** The calls of `open`, by the title of the object. */
  readonly work: Readonly<Record<string, number>>;
  /** Calls that are left out, as they have waited for less than `least` milliseconds. */
  readonly brief: number;
  /** Held objects that nobody waits for. */
  readonly unwanted: number;
}

export interface FindingOptions {
  /**
   * Milliseconds: keepers that have kept no thread waiting for longer are left out. A stuck thread
   * is always reported.
   */
  readonly least?: number | undefined;
  /** Reads a thread's activity from the system. */
  readonly look?: ((agent: AgentSnapshot) => Task | undefined) | undefined;
}
