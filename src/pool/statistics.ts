/** Statistics: the work of a pool so far. */

/** A worker as the statistics tell of it. */
export interface WorkerStats {
  /** Process id, or thread id. */
  id: number;
  state: 'starting' | 'ready' | 'retiring' | 'dead';
  /** Tasks and chunks that it has ended. */
  tasks: number;
  /** Milliseconds in which it ran them. */
  busy: number;
}

/** Counts of a pool's tasks and workers. A chunk of a map counts as one task. */
export interface PoolStats {
  /** Tasks that wait in the pool, and that were handed out to its workers. */
  queued: number;
  handedOut: number;
  done: number;
  failed: number;
  cancelled: number;
  /** Tasks that were lost with their worker, also those that ran again. */
  lost: number;
  /** Workers that died and were replaced; and that were replaced in order. */
  restarts: number;
  recycled: number;
  /** Mean run time of the last tasks, in milliseconds. */
  meanRunTime: number;
  workers: WorkerStats[];
}

export class PoolStatistics {
  done = 0;
  failed = 0;
  cancelled = 0;
  lost = 0;
  restarts = 0;
  recycled = 0;
}
