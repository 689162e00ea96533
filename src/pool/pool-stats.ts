/** Pool stats: gathers the numbers of `pool.stats` from the parts that count. */

import { now } from '#park';
import type { PoolCore } from './pool-core.ts';
import type { PoolStats } from './statistics.ts';

/** Counts and times of the pool's tasks and workers. */
export function statsOf({ statistics, engine, crew, settings }: PoolCore): PoolStats {
  const { done, failed, cancelled, lost, restarts, causes } = statistics;
  const { waiting, inFlight, mean } = engine.handOut;
  const time = now();
  let [busy, lived] = [statistics.busyBefore, statistics.livedBefore];
  for (const member of crew.members) {
    if (member?.alive !== true) continue;
    busy += member.busy;
    lived += (time - member.born) * settings.concurrency;
  }
  return {
    queued: waiting,
    handedOut: inFlight,
    done,
    failed,
    cancelled,
    lost,
    restarts,
    recycled: causes.tasks + causes.memory,
    causes: { ...causes },
    starts: crew.starts,
    meanRunTime: mean / 1000,
    waitTime: statistics.waits.stats,
    runTime: statistics.runs.stats,
    utilization: lived > 0 ? Math.min(1, busy / lived) : 0,
    slowest: statistics.slowest.map((task) => ({ ...task })),
    workers: crew.members.flatMap((member) =>
      member?.alive ? [{ id: member.id, state: member.state, tasks: member.tasks, busy: member.busy }] : [],
    ),
  };
}
