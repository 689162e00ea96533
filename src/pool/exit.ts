/**
 * Exit: kills the busy workers of all pools of this thread when it ends, because no code waits for
 * their results then. Workers are daemons, which are asked to end; a busy one would not heed it.
 */

import { beforeEnd } from '../workers/children.ts';

const kills = new Map<object, () => void>();

/** Calls `kill` when this thread exits; `undefined`: the pool has ended. */
export function killOnExit(pool: object, kill: (() => void) | undefined): void {
  if (kill === undefined) {
    kills.delete(pool);
    return;
  }
  kills.set(pool, kill);
  beforeEnd(killAll);
}

function killAll(): void {
  for (const kill of [...kills.values()]) {
    try {
      kill();
    } catch {
      // Nobody could handle the error now. The workers of the other pools have to be killed, too.
    }
  }
}
