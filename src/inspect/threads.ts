/**
 * Threads: the agents of a snapshot by thread, with the wait of each and the threads that could end
 * it.
 */

import type {
  AgentSnapshot,
  ChildRef,
  NamespaceSnapshot,
  ObjectSnapshot,
  Snapshot,
  WaitSnapshot,
} from './types.ts';

/** An agent with its namespace. */
export interface Seat {
  readonly namespace: NamespaceSnapshot;
  readonly agent: AgentSnapshot;
}

/** A thread, with its agents in one or more namespaces. */
export interface Thread {
  readonly seats: Seat[];
  readonly pid: number;
  readonly threadId: number;
  readonly life: AgentSnapshot['life'];
  /** Whether it is blocked, or does nothing but await one thing. */
  readonly waits: boolean;
  /**
   * Whether it sleeps, as far as the system reports it; `false` if it is just about to poll its
   * object.
   */
  readonly asleep: boolean;
}

/** One of possibly several events that end a thread's wait. */
export interface Chance {
  readonly namespace: NamespaceSnapshot;
  /** `undefined`: the end of the thread in `candidates`. */
  readonly object: ObjectSnapshot | undefined;
  readonly wait: WaitSnapshot | undefined;
  /** Whether the event may have happened already, or may happen by itself. */
  readonly open: boolean;
  /**
   * Whether a thread that is not seen may open the object: a child that is being started, or one
   * that takes the object out of a queue.
   */
  readonly unseen: boolean;
  /** The threads that could end the wait. */
  readonly candidates: readonly Thread[];
  /** Whether all of them have to act; otherwise any of them suffices. */
  readonly all: boolean;
  /** For a lock that other threads than its holder may release: those threads, too. */
  readonly others: readonly Thread[];
}

export class World {
  readonly threads: Thread[] = [];
  private readonly bySeat = new Map<AgentSnapshot, Thread>();
  private readonly agents = new Map<string, AgentSnapshot>();
  private readonly objects = new Map<string, ObjectSnapshot>();

  constructor(snapshot: Snapshot) {
    const byKey = new Map<string, Thread>();
    for (const namespace of snapshot.namespaces) {
      const seen = new Set<string>();
      for (const object of namespace.objects) this.objects.set(`${namespace.folder} ${object.cell}`, object);
      for (const agent of namespace.agents) {
        this.agents.set(`${namespace.folder} ${agent.slot}`, agent);
        let key = `${agent.pid} ${agent.threadId}`;
        // The two are from different pid namespaces, or one is dead and its number was reused.
        if (seen.has(key)) key = `${key} ${namespace.folder} ${agent.slot}`;
        seen.add(key);
        this.seat(byKey, key, { namespace, agent });
      }
    }
    this.threads.push(...byKey.values());
  }

  threadOf(agent: AgentSnapshot): Thread {
    return this.bySeat.get(agent)!;
  }

  agentIn(namespace: NamespaceSnapshot, slot: number): AgentSnapshot | undefined {
    return this.agents.get(`${namespace.folder} ${slot}`);
  }

  objectIn(namespace: NamespaceSnapshot, cell: number): ObjectSnapshot | undefined {
    return this.objects.get(`${namespace.folder} ${cell}`);
  }

  threadIn(namespace: NamespaceSnapshot, slot: number): Thread | undefined {
    const agent = this.agentIn(namespace, slot);
    return agent && this.threadOf(agent);
  }

  /** The chances that the thread's wait ends; none where nothing is known of it. */
  chancesOf(thread: Thread): Chance[] {
    const chances: Chance[] = [];
    for (const { namespace, agent } of thread.seats) {
      const { blocked, alone } = agent;
      for (const wait of agent.waits) {
        const isIt =
          blocked === null
            ? wait.cell === alone
            : blocked.cell === null
              ? wait.blocking
              : wait.cell === blocked.cell;
        const object = isIt ? this.objectIn(namespace, wait.cell) : undefined;
        if (object !== undefined) chances.push(this.chance(thread, namespace, object, wait));
      }
      if (blocked?.joins) chances.push(this.join(namespace, blocked.joins));
    }
    return chances;
  }

  /** The chance for one call's wait; its thread may also have other waits. */
  chance(
    thread: Thread | undefined,
    namespace: NamespaceSnapshot,
    object: ObjectSnapshot,
    wait: WaitSnapshot,
  ): Chance {
    const { endedBy, holders, signal } = object;
    const slotsOpen = endedBy === 'anybody' || signal !== null ? object.openIn : [];
    const openers = this.threadsIn(namespace, slotsOpen).filter((each) => each !== thread);
    // An object in a queue can be taken out and opened; a child that is being started opens the
    // objects that it was given.
    const unseen =
      slotsOpen.length > 0 &&
      (object.kept > 0 || slotsOpen.some((slot) => this.agentIn(namespace, slot)?.starting === true));
    const open = wait.timed || object.over === true || !object.steady;
    const common = { namespace, object, wait, open, unseen };
    if (endedBy === 'anybody') return { ...common, candidates: openers, all: false, others: [] };
    if (endedBy === 'holder') {
      const own = this.threadsIn(
        namespace,
        holders.map(({ slot }) => slot),
      );
      // A thread has released the lock for another before, and may do so again.
      if (signal === 'used') return { ...common, candidates: [...own, ...openers], all: false, others: [] };
      return { ...common, candidates: own, all: false, others: openers };
    }
    const writer = holders.find(({ as }) => as === 'writer');
    const isOwn = writer !== undefined && this.threadIn(namespace, writer.slot) === thread;
    const blocking = writer !== undefined && !isOwn ? [writer] : holders.filter(({ as }) => as === 'reader');
    return {
      ...common,
      candidates: this.threadsIn(
        namespace,
        blocking.map(({ slot }) => slot),
      ),
      all: true,
      others: [],
    };
  }

  private join(namespace: NamespaceSnapshot, { pid, threadId }: ChildRef): Chance {
    const candidates = this.childrenIn({ pid, threadId });
    // A child that has joined no namespace is unknown.
    return {
      namespace,
      object: undefined,
      wait: undefined,
      open: candidates.length === 0,
      unseen: false,
      candidates,
      all: true,
      others: [],
    };
  }

  /**
   * The live threads that the reference may mean: several if pid namespaces repeat a process id,
   * none if the child has joined no namespace.
   */
  childrenIn({ pid, threadId }: ChildRef): Thread[] {
    return this.threads.filter(
      (each) => each.pid === pid && each.threadId === threadId && each.life !== 'dead',
    );
  }

  private threadsIn(namespace: NamespaceSnapshot, slots: readonly number[]): Thread[] {
    const found = new Set<Thread>();
    for (const slot of slots) {
      const thread = this.threadIn(namespace, slot);
      if (thread !== undefined) found.add(thread);
    }
    return [...found];
  }

  private seat(byKey: Map<string, Thread>, key: string, seat: Seat): void {
    const { agent } = seat;
    const waits = agent.blocked !== null || agent.alone !== null;
    const asleep = agent.steady && (agent.task === null || /[STt]/.test(agent.task));
    const known = byKey.get(key);
    const thread: Thread =
      known === undefined
        ? { seats: [seat], pid: agent.pid, threadId: agent.threadId, life: agent.life, waits, asleep }
        : {
            ...known,
            seats: [...known.seats, seat],
            life: known.life === 'alive' ? 'alive' : agent.life,
            waits: known.waits || waits,
            asleep: known.asleep && asleep,
          };
    byKey.set(key, thread);
    for (const each of thread.seats) this.bySeat.set(each.agent, thread);
  }
}
