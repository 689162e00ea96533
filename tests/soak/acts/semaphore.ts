/**
 * A Semaphore of three permits. Permits of the dead are lost, by design. The supervisor immediately
 * puts back those that were certainly lost. At a rest it puts back the others: those of flows that
 * were killed just as they took or released.
 */

import { Semaphore } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { type Crowd, checkCrowd, comeIn, goOut, makeCrowd, vacate } from '../crowd.ts';

const PERMITS = 3;
const TAKING = 1;
const HOLDING = 2;
const RELEASING = 3;

interface Things {
  semaphore: Semaphore;
  crowd: Crowd;
  /** Permits that may have been lost since the last rest. */
  doubtful: Word;
  /** Permits beyond three that may be about, until the rest is over. */
  surplus: Word;
}

export const semaphoreAct: Act = act<Things>({
  name: 'Semaphore',

  make: () => ({ semaphore: new Semaphore(PERMITS), crowd: makeCrowd(), doubtful: word(), surplus: word() }),

  async play(flow, { semaphore, crowd, surplus }) {
    flow.at(TAKING);
    const hold = await flow.take(semaphore);
    if (hold === null) return;
    flow.at(HOLDING);
    comeIn(flow, crowd);
    checkCrowd(flow, crowd, PERMITS + surplus.value, 'Semaphore');
    await flow.dawdle();
    goOut(flow, crowd);
    flow.at(RELEASING);
    if (flow.random.percent(50)) hold.release();
    else semaphore.release();
  },

  died(_flow, { semaphore, crowd, doubtful }, seat, phase) {
    vacate(crowd, seat);
    if (phase === HOLDING) semaphore.release();
    else if (phase !== 0) doubtful.add(1);
  },

  calm(_flow, { semaphore, doubtful, surplus }) {
    surplus.value = doubtful.value;
    if (doubtful.value > 0) semaphore.release(doubtful.value);
  },

  async check(flow, { semaphore, doubtful, surplus }) {
    const free = semaphore.value;
    const most = PERMITS + doubtful.value;
    if (free < PERMITS || free > most) {
      flow.violated(`Semaphore: ${free} permits are free, and everybody rests; ${PERMITS} to ${most} can be`);
    }
    for (let many = free; many > PERMITS; many--) semaphore.tryAcquire();
    if (free < PERMITS) semaphore.release(PERMITS - free);
    doubtful.value = 0;
    surplus.value = 0;
  },
});
