/** Gate wait: how the pool's thread waits at the gate of all results, blocked or awaiting. */

import type { Gate } from '../messaging/ring/gate.ts';
import type { Taking } from '../waiting/taking.ts';

/** Waits at the gate. */
export interface GateWaiter {
  /** Reads results; returns whether the wait is over. */
  serve(): boolean;
  /** Whether there are results to read. */
  isReady(): boolean;
  /** Whether results may come for which no read is planned. */
  isNeeded(): boolean;
  /** Whether to read at once what has come meanwhile. If not, the waiter plans a read. */
  readsOn(): boolean;
}

/** The wait of `waiter`. */
export function waitAt(gate: Gate, waiter: GateWaiter): Taking {
  const tryTake = (): boolean => waiter.serve();
  const peek = (): boolean => waiter.isReady();
  const attempt = (): boolean => {
    for (;;) {
      if (waiter.serve()) return true;
      if (!waiter.isNeeded()) return false;
      // PUBLISH WAITERS -> ring
      gate.mark();
      if (!waiter.isReady()) return false;
      if (!waiter.readsOn()) return false;
    }
  };
  return { tryTake, peek, attempt, abandon: () => {}, taken: () => {}, suspect: () => 0 };
}
