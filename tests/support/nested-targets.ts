/** Targets that take locks one after the other, without the scoped form. */

import { type Barrier, DeadlockError, type Lock } from 'lockstep';

/** Plainly: the target is one flow, and does nothing else. */
export async function takesBoth(first: Lock, second: Lock, met: Barrier): Promise<string> {
  const hold = await first.acquire();
  try {
    await met.wait();
    const inner = await second.acquire();
    inner.release();
    return 'both';
  } catch (error) {
    if (error instanceof DeadlockError) return error.code;
    throw error;
  } finally {
    hold.release();
  }
}

/** The same with a second flow, which gives the first lock back after a while. */
export async function takesBothAndLetsGo(first: Lock, second: Lock, met: Barrier): Promise<string> {
  const hold = await first.acquire();
  setTimeout(() => hold.release(), 200);
  await met.wait();
  const inner = await second.acquire();
  inner.release();
  return 'both';
}
