/** OpenWaits: calls that wait for something that a thread may still bring. */

import type { Finding, OpenWait } from './finding-types.ts';
import type { Members } from './members.ts';
import { idOf, refTo } from './members.ts';
import { POOL_ROLES } from './pools.ts';
import type { Thread, World } from './threads.ts';
import type { AgentSnapshot, NamespaceSnapshot, ObjectSnapshot, Snapshot } from './types.ts';
import type { HeldWait, WaitsBehind } from './waits-behind.ts';

/** The input of the findings. */
export interface Scene {
  readonly snapshot: Snapshot;
  readonly world: World;
  readonly members: Members;
  readonly behind: WaitsBehind;
}

/** Waits of living threads for what a thread may bring, other than those of the findings. */
export function openWaits(at: Scene, findings: readonly Finding[]): OpenWait[] {
  const { snapshot, world } = at;
  const told = new Set(
    findings.flatMap((finding) =>
      finding.kind === 'nobody'
        ? finding.waiters.map(({ member }) => `${idOf(member)} ${finding.object.cell}`)
        : [],
    ),
  );
  const open: OpenWait[] = [];
  for (const namespace of snapshot.namespaces) {
    const byCell = new Map<number, HeldWait[]>();
    for (const agent of namespace.agents) {
      const thread = world.threadOf(agent);
      if (thread.life === 'dead') continue;
      for (const wait of agent.waits) {
        const object = world.objectIn(namespace, wait.cell);
        const isTold = told.has(`${namespace.folder} ${agent.slot} ${wait.cell}`);
        if (object === undefined || isTold || isOfPool(object)) continue;
        if (object.endedBy !== 'anybody' && !isHeldByItself(thread, agent, object)) continue;
        const waits = byCell.get(wait.cell) ?? [];
        waits.push({ thread, namespace, agent, wait, object });
        byCell.set(wait.cell, waits);
      }
    }
    for (const waits of byCell.values()) open.push(openWait(at, namespace, waits[0]!.object!, waits));
  }
  return open.sort((a, b) => b.lasted - a.lasted);
}

function openWait(
  { world, members, behind }: Scene,
  namespace: NamespaceSnapshot,
  object: ObjectSnapshot,
  waits: HeldWait[],
): OpenWait {
  const waiting = new Set(waits.map(({ thread }) => thread));
  const others = new Set(
    object.openIn
      .map((slot) => world.threadIn(namespace, slot))
      .filter(
        (thread): thread is Thread => thread !== undefined && !waiting.has(thread) && thread.life !== 'dead',
      ),
  );
  const waiters = waits.map((each) => behind.branch(each, new Set(waiting)));
  return {
    object: refTo(namespace, object),
    ending: endingOf(object),
    named: object.name !== null,
    heldByItself: object.endedBy !== 'anybody',
    state: object.state,
    waiters: waiters.sort((a, b) => b.lasted - a.lasted),
    openIn: [...others].map((thread) => members.of(thread)),
    calls: waiters.reduce((sum, { calls }) => sum + calls, 0),
    lasted: Math.max(...waiters.map(({ lasted }) => lasted)),
  };
}

/** Whether a pool waits for results there, or its worker for a task: see pool-waits.ts. */
function isOfPool({ part }: ObjectSnapshot): boolean {
  return part?.role === POOL_ROLES.RESULTS || part?.role === POOL_ROLES.BED;
}

const ENDINGS: Readonly<Record<string, string>> = {
  Event: 'set',
  Latch: 'count down',
  Barrier: 'come to',
  Condition: 'notify',
  Semaphore: 'release',
  Lock: 'release',
  RLock: 'release',
  RWLock: 'release',
  BoundedSemaphore: 'release',
  Connection: 'close',
  QueueProducer: 'end',
};

/**
 * Whether the event loop awaits an object that its own thread holds, and may do other things
 * meanwhile.
 */
function isHeldByItself(thread: Thread, { slot }: AgentSnapshot, { holders, over }: ObjectSnapshot): boolean {
  const own = holders.length > 0 && holders.every((each) => each.slot === slot);
  return own && !thread.waits && over !== true;
}

/** The act that ends a wait for the object. */
export function endingOf({ kind, part }: ObjectSnapshot): string {
  if (part?.role === 'room') return 'take something from';
  if (part?.role === POOL_ROLES.RESULTS) return 'finish a task of';
  if (part?.role === POOL_ROLES.BED) return 'submit';
  if (part?.role === 'join') return 'mark items done in';
  return ENDINGS[kind] ?? 'put something into';
}
