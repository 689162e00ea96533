/**
 * A Latch that is counted down and never opens before everybody rests; then it does, and another
 * takes its place.
 */

import { Latch } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';

/** More than is ever counted. */
const MANY = 1 << 29;
const LONGEST_WAIT = 5;

interface Things {
  latch: Latch;
  /** Counts that have begun, and that are done. */
  begun: Word;
  done: Word;
}

export const latchAct: Act = act<Things>({
  name: 'Latch',

  make: () => ({ latch: new Latch(MANY), begun: word(), done: word() }),

  async play(flow, { latch, begun, done }) {
    if (flow.random.percent(60)) {
      begun.add(1);
      latch.countDown();
      done.add(1);
      return;
    }
    const timeout = flow.random.below(LONGEST_WAIT);
    const open =
      flow.mayBlock && flow.random.percent(50) ? latch.waitSync({ timeout }) : await latch.wait({ timeout });
    if (open) flow.violated(`Latch: open, and not counted down: ${latch}`);
  },

  async check(flow, { latch, begun, done }) {
    const counted = MANY - latch.count;
    if (counted < done.value || counted > begun.value) {
      flow.violated(`Latch: counted down ${counted} times, and ${done.value} to ${begun.value} calls did so`);
    }
  },
});
