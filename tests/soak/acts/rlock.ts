/** An RLock, taken up to three times by its owner, released as often. */

import { type Hold, RLock } from 'lockstep';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { addTo, checkLedger, type Ledger, makeLedger } from '../ledger.ts';
import { checkSection, enter, leave, makeSection, type Section } from '../section.ts';

const DEEPEST = 3;
const NEAR = 1;
const WHAT = 'RLock';

interface Things {
  lock: RLock;
  section: Section;
  ledger: Ledger;
}

export const rlockAct: Act = act<Things>({
  name: 'RLock',

  make: () => ({ lock: new RLock(), section: makeSection(), ledger: makeLedger() }),

  async play(flow, { lock, section, ledger }) {
    flow.at(NEAR);
    const first = await flow.take(lock);
    if (first === null) return;
    const mend = enter(flow, section, first, WHAT);
    const holds: Hold[] = [first];
    const depth = 1 + flow.random.below(DEEPEST);
    while (holds.length < depth) {
      // A signal that comes in a turn of the event loop gives up what could be taken.
      const again = await flow.take(lock, false);
      if (again === null) flow.violated(`${WHAT}: its owner did not get it again, ${lock}`);
      else holds.push(again);
      if (again?.recovered === true) flow.violated(`${WHAT}: recovered, taken again by its owner`);
    }
    addTo(flow, ledger, mend);
    await flow.dawdle();
    while (holds.length > 1) {
      if (lock.depth !== holds.length || !lock.owned) {
        flow.violated(`${WHAT}: held ${holds.length} times, its depth is ${lock.depth}, owned=${lock.owned}`);
      }
      holds.pop()?.release();
    }
    leave(flow, section, WHAT);
    first.release();
    if (lock.owned) flow.violated(`${WHAT}: owned by an agent that has released it as often as taken`);
  },

  died(_flow, { section }, _seat, phase) {
    if (phase === NEAR) section.near.add(1);
  },

  async check(flow, { lock, section, ledger }) {
    const hold = await flow.takeSurely(lock);
    if (enter(flow, section, hold, WHAT)) addTo(flow, ledger, true);
    checkLedger(flow, ledger, WHAT);
    leave(flow, section, WHAT);
    hold.release();
    checkSection(flow, section, WHAT);
    if (lock.locked || lock.depth !== 0) flow.violated(`${WHAT}: held, and everybody rests: ${lock}`);
  },
});
