/** Members: threads as findings name them: the work, the holdings and the waits of each. */

import type { Member, ObjectRef } from './finding-types.ts';
import { POOL_ROLES } from './pools.ts';
import type { Task } from './tasks.ts';
import { commandRunBy } from './tasks.ts';
import type { Thread, World } from './threads.ts';
import type { AgentSnapshot, AwaitedEnd, NamespaceSnapshot, ObjectSnapshot } from './types.ts';

export class Members {
  private readonly world: World;
  private readonly look: (agent: AgentSnapshot) => Task | undefined;
  private readonly known = new Map<Thread, Member>();

  constructor(world: World, look: (agent: AgentSnapshot) => Task | undefined) {
    this.world = world;
    this.look = look;
  }

  of(thread: Thread): Member {
    const known = this.known.get(thread);
    if (known !== undefined) return known;
    const waiting = thread.seats.find(
      ({ agent }) => agent.blocked?.cell || (agent.blocked === null && agent.alone !== null),
    );
    const joining = thread.seats.find(({ agent }) => agent.blocked?.joins);
    const { namespace, agent } = waiting ?? joining ?? thread.seats[0]!;
    const cell =
      agent.blocked?.cell ??
      (agent.blocked === null ? agent.alone : null) ??
      agent.waits.find(({ blocking }) => blocking)?.cell;
    const object = cell === null || cell === undefined ? undefined : this.world.objectIn(namespace, cell);
    const wait = agent.waits.find((each) => each.cell === cell);
    const member: Member = {
      folder: namespace.folder,
      namespace: namespace.name,
      slot: agent.slot,
      pid: agent.pid,
      threadId: agent.threadId,
      tid: agent.tid,
      name: agent.name,
      program: programOf(agent),
      orphan: agent.orphan,
      state: this.stateOf(thread, agent),
      holds: this.holdings(thread),
      waitsFor: object === undefined || !thread.waits ? null : refTo(namespace, object),
      alsoAwaits: thread.waits ? [] : this.awaited(thread),
      alsoJoins: thread.waits ? [] : endsOf(thread),
      joins: agent.blocked?.joins ?? null,
      lasted: thread.waits ? (wait?.lasted ?? agent.blocked?.lasted ?? null) : null,
      timed: wait?.timed ?? agent.blocked?.timed ?? false,
      work: agent.work,
    };
    this.known.set(thread, member);
    return member;
  }

  private awaited(thread: Thread): ObjectRef[] {
    return thread.seats.flatMap(({ namespace, agent }) =>
      agent.waits.flatMap(({ cell, blocking }) => {
        const object = blocking ? undefined : this.world.objectIn(namespace, cell);
        return object === undefined || object.part?.role === POOL_ROLES.BED ? [] : [refTo(namespace, object)];
      }),
    );
  }

  private stateOf(thread: Thread, agent: AgentSnapshot): Member['state'] {
    if (thread.life === 'dead') return 'dead';
    const task = this.look(agent);
    const runsTask = agent.blocked === null && agent.work?.state === 'running';
    if (task?.state === 'T' || task?.state === 't') return 'stopped';
    if (task?.state === 'Z' || task?.state === 'X') return 'dead';
    if (agent.blocked !== null) return 'blocked';
    if (agent.alone !== null && !runsTask) return 'awaits';
    if (task === undefined) return 'alive';
    if (task.state === 'R') return 'busy';
    return /epoll|ep_poll/.test(task.sleepsIn) || task.state === 'S' ? 'idle' : 'alive';
  }

  private holdings(thread: Thread): ObjectRef[] {
    return thread.seats.flatMap(({ namespace, agent }) =>
      namespace.objects
        .filter(({ holders }) => holders.some(({ slot }) => slot === agent.slot))
        .map((object) => refTo(namespace, object)),
    );
  }
}

/** The children whose end the thread awaits. All its agents have the same record. */
export function endsOf({ seats }: Thread): readonly AwaitedEnd[] {
  return seats.map(({ agent }) => agent.ends).find((ends) => ends.length > 0) ?? [];
}

/** Whether the second thread is on record as awaiting the end of the first. */
export function isAwaitedBy({ pid, threadId }: Member, { alsoJoins }: Member): boolean {
  return alsoJoins.some((child) => child.pid === pid && child.threadId === threadId);
}

/** Identifies a thread, by one of its agents. */
export function idOf({ folder, slot }: Member): string {
  return `${folder} ${slot}`;
}

export function refTo({ folder }: NamespaceSnapshot, { cell, title, kind }: ObjectSnapshot): ObjectRef {
  return { folder, cell, title, kind };
}

/** The name of the agent's program: the file of its script; `lockstep run` with its command. */
export function programOf({ pid, script, target, args, work }: AgentSnapshot): string {
  if (work !== null) return work.pool;
  const file = script.slice(script.lastIndexOf('/') + 1);
  const command = /^lockstep(\.js)?$/.test(file) ? commandRunBy(pid) : undefined;
  if (command !== undefined) return `lockstep run: ${command}`;
  const what = target === '' || target === 'default' ? args : target;
  return what === '' ? file : `${file} ${what}`;
}
