/**
 * Alone: whether all that is left of this process's or thread's target is one awaiting call, so
 * that none of its code can run before that call ends.
 *
 * A thread's code is run by its event loop. If nothing keeps the loop running but the bell and the
 * timers of one awaiting call, only the end of that call can run the target's code again. Handles
 * after `unref()` can't be seen, and do not count. A program's own main code often has such
 * handles, so it never counts as alone.
 */

import { resourcesInUse } from '#park';
import { agentsOfThread, runsTarget } from '../agents/membership.ts';
import { statsOfOpen } from '../platform/file-stats.ts';
import { isMainThread } from '../this-thread.ts';

/**
 * Whether the call that awaits, with `timers` of its own, is all that this thread has to do. Call
 * it at the beginning of a turn of the event loop: later in the turn, calls that were served in it
 * may be about to continue.
 */
export function isAlone(timers: number): boolean {
  if (!runsTarget()) return false;
  let calls = 0;
  for (const agent of agentsOfThread()) calls += agent.awaitingCalls;
  if (calls !== 1) return false;
  // The bell: polling does not keep the loop running.
  const expected = ['PipeWrap', ...Array<string>(timers).fill('Timeout'), ...standardOutputs()];
  return expected.sort().join() === resourcesInUse().sort().join();
}

/** The handles of stdout and stderr, which are always in use unless they are files. */
function standardOutputs(): string[] {
  // In other threads they have none.
  if (!isMainThread) return [];
  return [process.stdout, process.stderr].flatMap((stream) => {
    const { fd } = stream;
    const { type } = statsOfOpen(fd);
    if (type === 'FIFO' || type === 'socket') return ['PipeWrap'];
    return stream.isTTY ? ['TTYWrap'] : [];
  });
}
