/** Values: one counted under its own lock, one by single atomic additions. */

import { Value } from 'lockstep';
import { type Word, word, words } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { CAST } from '../cast.ts';
import { checkSection, enter, leave, makeSection, type Section } from '../section.ts';

const LOCKED = 1;
const ATOMIC = 2;
const WHAT = 'Value';

interface Things {
  guarded: Value<'i64'>;
  section: Section;
  shares: Word[];
  atomic: Value<'u32'>;
  atomicShares: Word[];
  /** Flows that were killed while they added. */
  died: Word;
}

export const valueAct: Act = act<Things>({
  name: 'Value',

  make: () => ({
    guarded: new Value('i64', 0n),
    section: makeSection(),
    shares: words(CAST.length),
    atomic: new Value('u32', 0, { lock: false }),
    atomicShares: words(CAST.length),
    died: word(),
  }),

  async play(flow, { guarded, section, shares, atomic, atomicShares }) {
    if (flow.random.percent(30)) {
      flow.at(ATOMIC);
      atomic.add(1);
      (atomicShares[flow.seat] as Word).add(1);
      return;
    }
    flow.at(LOCKED);
    const hold = await flow.take(guarded.lock);
    if (hold === null) return;
    if (enter(flow, section, hold, WHAT)) guarded.value = sum(shares);
    guarded.value += 1n;
    (shares[flow.seat] as Word).add(1);
    await flow.dawdle();
    leave(flow, section, WHAT);
    hold.release();
  },

  died(_flow, { section, died }, _seat, phase) {
    if (phase === LOCKED) section.near.add(1);
    if (phase === ATOMIC) died.add(1);
  },

  async check(flow, { guarded, section, shares, atomic, atomicShares, died }) {
    const hold = await flow.takeSurely(guarded.lock);
    if (enter(flow, section, hold, WHAT)) guarded.value = sum(shares);
    if (guarded.value !== sum(shares)) {
      flow.violated(`${WHAT}: it is ${guarded.value}, and ${sum(shares)} were added`);
      guarded.value = sum(shares);
    }
    leave(flow, section, WHAT);
    hold.release();
    checkSection(flow, section, WHAT);
    const more = BigInt(atomic.value) - sum(atomicShares);
    if (more < 0n || more > BigInt(died.value)) {
      flow.violated(
        `${WHAT}: ${more} atomic additions are in nobody's share, ${died.value} were killed then`,
      );
    }
  },
});

function sum(shares: readonly Word[]): bigint {
  return shares.reduce((total, { value }) => total + BigInt(value), 0n);
}
