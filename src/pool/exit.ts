/**
 * Exit: kills the workers of all pools of this thread when it ends, because no code waits for them
 * then.
 */

const kills = new Map<object, () => void>();

/** Calls `kill` when this thread exits; `undefined`: there is no worker left to kill. */
export function killOnExit(pool: object, kill: (() => void) | undefined): void {
  if (kill === undefined) {
    kills.delete(pool);
    if (kills.size === 0) process.off('exit', killAll);
    return;
  }
  // Run before the listener that waits for children.
  if (kills.size === 0) process.prependListener('exit', killAll);
  kills.set(pool, kill);
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
