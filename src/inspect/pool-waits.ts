/** PoolWaits: pools whose tasks run for long, or cannot begin. */

import type { PoolMember, PoolWait } from './finding-types.ts';
import { refTo } from './members.ts';
import type { Scene } from './open-waits.ts';
import { POOL_ROLES } from './pools.ts';
import type { NamespaceSnapshot, PoolSnapshot, PoolWorkerSnapshot } from './types.ts';

/** The pools with news of at least so many milliseconds, the longest first. */
export function poolWaits(at: Scene, least: number): PoolWait[] {
  const waits: PoolWait[] = [];
  for (const namespace of at.snapshot.namespaces) {
    for (const pool of namespace.pools) {
      const wait = poolWait(at, namespace, pool);
      if (wait !== undefined && wait.lasted >= least) waits.push(wait);
    }
  }
  return waits.sort((a, b) => b.lasted - a.lasted);
}

/** `undefined`: no task of the pool runs or waits, and its workers are ready. */
function poolWait(
  { world, members }: Scene,
  namespace: NamespaceSnapshot,
  pool: PoolSnapshot,
): PoolWait | undefined {
  const agent = world.agentIn(namespace, pool.owner);
  const object = world.objectIn(namespace, pool.cell);
  if (agent === undefined || object === undefined) return undefined;
  const workers = pool.workers.map((worker) => ({ ...worker, member: memberOf(worker) }));
  const tasks = workers
    .flatMap((by) => by.tasks.map((task) => ({ ...task, by })))
    .sort((a, b) => b.lasted - a.lasted);
  const starting = workers.filter(({ state }) => state === 'starting');
  if (tasks.length + pool.queued === 0 && starting.length === 0) return undefined;
  const gate = agent.waits.find(
    ({ cell }) => world.objectIn(namespace, cell)?.part?.role === POOL_ROLES.RESULTS && isOf(cell),
  );
  return {
    pool: refTo(namespace, object),
    owner: members.of(world.threadOf(agent)),
    isAwaited: gate !== undefined,
    tasks,
    starting,
    idle: workers.filter((worker) => worker.state === 'idle' && !isDisabled(worker)).length,
    disabled: workers.filter((worker) => worker.state === 'idle' && isDisabled(worker)),
    queued: pool.queued,
    calls: pool.calls,
    lasted: tasks[0]?.lasted ?? (pool.queued > 0 ? (gate?.lasted ?? 0) : longestStart(starting)),
  };

  function memberOf({ slot }: PoolWorkerSnapshot): PoolMember['member'] {
    const thread = slot === null ? undefined : world.threadIn(namespace, slot);
    return thread === undefined ? null : members.of(thread);
  }

  /** Whether the gate belongs to this pool: to a ring that is a part of it. */
  function isOf(cell: number): boolean {
    const ring = world.objectIn(namespace, cell)?.part?.of;
    return ring !== undefined && world.objectIn(namespace, ring)?.part?.of === pool.cell;
  }
}

function isDisabled({ member }: PoolMember): boolean {
  return member?.state === 'stopped' || member?.state === 'dead';
}

function longestStart(starting: readonly PoolMember[]): number {
  return Math.max(0, ...starting.map(({ startsFor }) => startsFor ?? 0));
}
