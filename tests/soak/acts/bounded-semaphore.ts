/**
 * A BoundedSemaphore of three permits, one or two of which a flow has: all come back, also those of
 * the dead.
 */

import { BoundedSemaphore, OverReleaseError } from 'lockstep';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { type Crowd, checkCrowd, comeIn, goOut, makeCrowd, vacate } from '../crowd.ts';
import type { Flow } from '../flow.ts';

const PERMITS = 3;
const HERE = 1;
const WHAT = 'BoundedSemaphore';

interface Things {
  semaphore: BoundedSemaphore;
  crowd: Crowd;
}

export const boundedSemaphoreAct: Act = act<Things>({
  name: 'BoundedSemaphore',

  make: () => ({ semaphore: new BoundedSemaphore(PERMITS), crowd: makeCrowd() }),

  async play(flow, { semaphore, crowd }) {
    flow.at(HERE);
    const hold = await flow.take(semaphore);
    if (hold === null) return;
    comeIn(flow, crowd);
    // Never waited for, as others may have the rest and wait, too.
    const second = flow.random.percent(20) ? semaphore.tryAcquire() : null;
    checkCrowd(flow, crowd, PERMITS, WHAT);
    await flow.dawdle();
    second?.release();
    goOut(flow, crowd);
    hold.release();
  },

  died: (_flow, { crowd }, seat) => vacate(crowd, seat),

  async check(flow, { semaphore }) {
    // All of them can be had at once, and no more.
    const holds = [];
    while (holds.length < PERMITS) holds.push(await flow.takeSurely(semaphore));
    if (semaphore.tryAcquire() !== null) flow.violated(`${WHAT}: a permit too many: ${semaphore}`);
    for (const hold of holds) hold.release();
    if (semaphore.value !== PERMITS) flow.violated(`${WHAT}: everybody rests, ${semaphore}`);
    refusesMore(flow, semaphore);
  },
});

function refusesMore(flow: Flow, semaphore: BoundedSemaphore): void {
  try {
    semaphore.release();
    flow.violated(`${WHAT}: released above its limit, ${semaphore}`);
  } catch (error) {
    if (!(error instanceof OverReleaseError)) throw error;
  }
}
