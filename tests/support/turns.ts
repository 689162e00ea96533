/**
 * How this process comes to objects that several want: in its turn, or because the one whose turn
 * it was did not come. A machine that lets a waiter stand for an interval makes the others go on
 * without it (docs/guide/fairness.md). So a test of the order asks this, too.
 */

import { load } from './internals.ts';

/** Kept for this process, or this thread. */
export const turns: {
  /** Takings of what stood free for a whole interval, out of turn. */
  impatient: number;
  /** Whether it has seen that a waiter is there. */
  noticed: boolean;
} = { impatient: 0, noticed: false };

const { Barging } = await load<typeof import('../../src/waiting/barging.ts')>('waiting/barging.js');
const { begin, waited } = Barging.prototype;

Barging.prototype.begin = function (takings) {
  turns.noticed = true;
  begin.call(this, takings);
};

Barging.prototype.waited = function (impatient) {
  if (impatient) turns.impatient++;
  waited.call(this, impatient);
};
