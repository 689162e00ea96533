/**
 * WaitsBehind: the calls that wait behind each thread, for an object that it holds or for its end.
 */

import type { Branch } from './finding-types.ts';
import type { Members } from './members.ts';
import { endsOf, refTo } from './members.ts';
import type { Seat, Thread, World } from './threads.ts';
import type {
  AgentSnapshot,
  ChildRef,
  NamespaceSnapshot,
  ObjectSnapshot,
  Snapshot,
  WaitSnapshot,
} from './types.ts';

/** A wait of a thread. */
export interface HeldWait {
  readonly thread: Thread;
  readonly namespace: NamespaceSnapshot;
  readonly agent: AgentSnapshot;
  readonly wait: WaitSnapshot;
  readonly object: ObjectSnapshot | undefined;
  /** The child whose end it waits for, instead of an object. */
  readonly child?: ChildRef | undefined;
}

export class WaitsBehind {
  private readonly world: World;
  private readonly members: Members;
  /** The waits for something that the thread holds, or for its end. */
  private readonly byHolder = new Map<Thread, HeldWait[]>();

  constructor(snapshot: Snapshot, world: World, members: Members) {
    this.world = world;
    this.members = members;
    this.collect(snapshot);
  }

  /** The threads behind which others wait. */
  get holders(): Iterable<Thread> {
    return this.byHolder.keys();
  }

  private collect(snapshot: Snapshot): void {
    for (const namespace of snapshot.namespaces) {
      for (const agent of namespace.agents) {
        const thread = this.world.threadOf(agent);
        if (thread.life === 'dead') continue;
        for (const wait of agent.waits) {
          const object = this.world.objectIn(namespace, wait.cell);
          for (const holder of this.holdersFor(thread, namespace, wait))
            this.note(holder, { thread, namespace, agent, wait, object });
        }
      }
    }
    for (const thread of this.world.threads) if (thread.life !== 'dead') this.collectJoins(thread);
  }

  /** Notes the joins of the thread. All its agents have the same record, so one is read. */
  private collectJoins(thread: Thread): void {
    const blocked = thread.seats.find(({ agent }) => agent.blocked?.joins);
    if (blocked !== undefined) {
      const { joins, timed, lasted } = blocked.agent.blocked!;
      this.noteJoin(thread, blocked, joins!, { blocking: true, timed, lasted: lasted ?? 0 });
    }
    const awaiting = thread.waits ? undefined : thread.seats.find(({ agent }) => agent.ends.length > 0);
    for (const end of awaiting?.agent.ends ?? [])
      this.noteJoin(thread, awaiting!, end, { blocking: false, timed: end.timed, lasted: end.lasted });
  }

  private noteJoin(
    thread: Thread,
    seat: Seat,
    child: ChildRef,
    how: Pick<WaitSnapshot, 'blocking' | 'timed' | 'lasted'>,
  ): void {
    const wait = { cell: 0, calls: 1, place: 1, ...how };
    for (const each of this.world.childrenIn(child))
      this.note(each, { thread, ...seat, wait, object: undefined, child });
  }

  private note(holder: Thread, wait: HeldWait): void {
    const waits = this.byHolder.get(holder) ?? [];
    // A thread has an agent in each of its namespaces; its join is one wait.
    if (!waits.some((each) => each.thread === wait.thread && each.object === wait.object)) waits.push(wait);
    this.byHolder.set(holder, waits);
  }

  /**
   * The holders of the object that the thread waits for exclusively, or the thread whose end it
   * waits for.
   */
  heldBy(thread: Thread): Thread[] {
    if (!thread.waits || thread.life === 'dead') return [];
    return this.world
      .chancesOf(thread)
      .filter(({ object }) => object === undefined || (object.endedBy !== 'anybody' && object.over !== true))
      .flatMap(({ candidates }) => candidates);
  }

  /**
   * The threads that could end waits of the thread's event loop: the holders of objects that its
   * calls await, and the children whose end they await. The longest wait comes first. The loop may
   * do other things meanwhile.
   *
   * @param from only holders of the object of this cell
   */
  awaitedFrom(thread: Thread, from?: number): Thread[] {
    if (thread.waits || thread.life === 'dead') return [];
    const waits = thread.seats.flatMap(({ namespace, agent }) =>
      agent.waits
        .filter(({ cell }) => from === undefined || cell === from)
        .map((wait) => ({ lasted: wait.lasted, candidates: this.holdersFor(thread, namespace, wait) })),
    );
    const ends = from === undefined ? endsOf(thread) : [];
    const joins = ends.map((end) => ({ lasted: end.lasted, candidates: this.world.childrenIn(end) }));
    return [...waits, ...joins].sort((a, b) => b.lasted - a.lasted).flatMap(({ candidates }) => candidates);
  }

  private holdersFor(thread: Thread, namespace: NamespaceSnapshot, wait: WaitSnapshot): readonly Thread[] {
    const object = this.world.objectIn(namespace, wait.cell);
    if (object === undefined || object.endedBy === 'anybody' || object.over === true) return [];
    return this.world.chance(thread, namespace, object, wait).candidates;
  }

  /** Whether the thread itself waits behind another, under which it is reported. */
  isBehind(thread: Thread): boolean {
    return this.heldBy(thread).length > 0;
  }

  /** The waits behind the thread, except those already reported. */
  branches(thread: Thread, told: Set<Thread>): Branch[] {
    const waits = (this.byHolder.get(thread) ?? []).filter((each) => !told.has(each.thread));
    for (const each of waits) told.add(each.thread);
    return waits.map((each) => this.branch(each, told)).sort((a, b) => b.lasted - a.lasted);
  }

  branch({ thread, namespace, wait, object, child }: HeldWait, told: Set<Thread>): Branch {
    return {
      member: this.members.of(thread),
      object: object === undefined ? null : refTo(namespace, object),
      child: child === undefined ? null : { pid: child.pid, threadId: child.threadId },
      calls: wait.calls,
      lasted: wait.lasted,
      blocking: wait.blocking,
      timed: wait.timed,
      behind: this.branches(thread, told),
    };
  }
}

/** The branches, and all branches behind them. */
export function flatten(branches: readonly Branch[]): Branch[] {
  return branches.flatMap((branch) => [branch, ...flatten(branch.behind)]);
}
