/** Statistics: what a pool has done so far. */

import type { Member } from './member.ts';
import type { PoolTask } from './pool-task.ts';

export class PoolStatistics {
  done = 0;
  failed = 0;
  cancelled = 0;
  lost = 0;
  retried = 0;
  restarts = 0;
  recycled = 0;

  /** A task, or a chunk, has run for so many microseconds. */
  ran(_task: PoolTask, _microseconds: number, _member: Member): void {}
}
