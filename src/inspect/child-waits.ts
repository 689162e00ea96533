/** ChildWaits: threads that wait for the end of children, which may never come. */

import type { AwaitedChild, ChildWait, Member } from './finding-types.ts';
import { endsOf } from './members.ts';
import type { Scene } from './open-waits.ts';
import { readTask } from './tasks.ts';
import type { Thread } from './threads.ts';
import type { AwaitedEnd, ChildRef, ChildSnapshot } from './types.ts';

/** The threads that have waited for so many milliseconds, the longest first. */
export function childWaits(at: Scene, least: number): ChildWait[] {
  const waits: ChildWait[] = [];
  for (const thread of at.world.threads) {
    if (thread.life === 'dead') continue;
    const children = [...blockedFor(at, thread), ...awaitedBy(at, thread)].filter(
      ({ lasted }) => lasted >= least,
    );
    if (children.length === 0) continue;
    children.sort((a, b) => b.lasted - a.lasted);
    waits.push({ by: at.members.of(thread), children, lasted: children[0]!.lasted });
  }
  return waits.sort((a, b) => b.lasted - a.lasted);
}

/** The child that a call of `joinSync` waits for, unless findings have it as a thread. */
function blockedFor(at: Scene, { seats }: Thread): AwaitedChild[] {
  const blocked = seats.find(({ agent }) => agent.blocked?.joins)?.agent.blocked;
  if (!blocked?.joins || at.world.childrenIn(blocked.joins).length > 0) return [];
  const { joins, timed, lasted } = blocked;
  return [childOf(at, { ...joins, timed, lasted: lasted ?? 0 }, true)];
}

/** Those that awaiting calls wait for. For a blocked thread, the findings have what blocks it. */
function awaitedBy(at: Scene, thread: Thread): AwaitedChild[] {
  return thread.waits ? [] : endsOf(thread).map((end) => childOf(at, end, false));
}

function childOf({ world, members, snapshot }: Scene, end: AwaitedEnd, blocking: boolean): AwaitedChild {
  const { pid, threadId, timed, lasted } = end;
  const [thread] = world.childrenIn({ pid, threadId });
  if (thread !== undefined) return { pid, threadId, member: members.of(thread), blocking, timed, lasted };
  const unseen = snapshot.namespaces.flatMap(({ children }) => children);
  const child = threadId === 0 ? unseen.find((each) => each.pid === pid) : undefined;
  return { pid, threadId, member: child ? memberFor(child) : null, blocking, timed, lasted };
}

/** A child without an agent, as a member. */
export function memberFor(child: ChildSnapshot): Member {
  return {
    folder: '',
    namespace: null,
    slot: 0,
    pid: child.pid,
    threadId: 0,
    tid: child.pid,
    name: child.name === '' ? 'a child' : child.name,
    program: programOfChild(child),
    orphan: false,
    state: stateOf(child),
    holds: [],
    waitsFor: null,
    alsoAwaits: [],
    alsoJoins: [],
    joins: null,
    lasted: null,
    timed: false,
    work: null,
  };
}

/** The program of a child, as those of agents are shown. */
export function programOfChild({ script, target }: ChildSnapshot): string {
  const file = script.slice(script.lastIndexOf('/') + 1);
  return target === '' || target === 'default' ? file : `${file} ${target}`;
}

function stateOf({ pid }: ChildSnapshot): Member['state'] {
  const task = readTask(pid, pid);
  if (task === undefined) return 'alive';
  if (/[Tt]/.test(task.state)) return 'stopped';
  return task.state === 'R' ? 'busy' : 'idle';
}

/** Names a child that is known by its number only. */
export function nameOfRef({ pid, threadId }: ChildRef): string {
  return threadId === 0 ? `process ${pid}` : `thread ${threadId} of process ${pid}`;
}
