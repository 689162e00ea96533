/** Three Locks, taken one by one or nested, always in the same order. */

import { Lock } from 'lockstep';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import type { Flow } from '../flow.ts';
import { addTo, checkLedger, type Ledger, makeLedger } from '../ledger.ts';
import { checkSection, enter, leave, makeSection, type Section } from '../section.ts';

const LOCKS = 3;

interface Things {
  locks: Lock[];
  sections: Section[];
  ledgers: Ledger[];
}

/**
 * Takes lock `index`, and perhaps one that comes later, inside it. The phase has a bit for each
 * lock that it is near.
 */
async function inside(flow: Flow, things: Things, index: number, near: number): Promise<void> {
  const lock = things.locks[index] as Lock;
  const section = things.sections[index] as Section;
  const what = `Lock ${index}`;
  flow.at(near | (1 << index));
  const hold = await flow.take(lock);
  if (hold !== null) {
    const mend = enter(flow, section, hold, what);
    addTo(flow, things.ledgers[index] as Ledger, mend);
    await flow.dawdle();
    const next = index + 1 + flow.random.below(LOCKS);
    if (next < LOCKS) await inside(flow, things, next, near | (1 << index));
    leave(flow, section, what);
    hold.release();
  }
  flow.at(near);
}

export const lockAct: Act = act<Things>({
  name: 'Lock',

  make() {
    const each = Array.from({ length: LOCKS });
    return {
      locks: each.map(() => new Lock()),
      sections: each.map(makeSection),
      ledgers: each.map(makeLedger),
    };
  },

  play: (flow, things) => inside(flow, things, flow.random.below(LOCKS), 0),

  died(_flow, { sections }, _seat, phase) {
    for (const [index, { near }] of sections.entries()) if ((phase & (1 << index)) !== 0) near.add(1);
  },

  async check(flow, { locks, sections, ledgers }) {
    for (const [index, lock] of locks.entries()) {
      const what = `Lock ${index}`;
      const section = sections[index] as Section;
      const ledger = ledgers[index] as Ledger;
      const hold = await flow.takeSurely(lock);
      // The ledger may only be half done where the lock says so.
      if (enter(flow, section, hold, what)) addTo(flow, ledger, true);
      checkLedger(flow, ledger, what);
      leave(flow, section, what);
      hold.release();
      checkSection(flow, section, what);
      if (lock.locked) flow.violated(`${what}: locked, and everybody rests: ${lock}`);
    }
  },
});
