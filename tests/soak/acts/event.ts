/** An Event that is set, cleared, and set and cleared at once, while others wait for it. */

import { Event } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act, Intermission } from '../act.ts';
import { act } from '../act.ts';
import type { Flow } from '../flow.ts';

/** Milliseconds within which a waiter has come after the event was set. */
const PATIENCE = 30_000;
const NEAR = 1;
const WAITS = 2;

interface Things {
  event: Event;
  /** Settings that have begun, and that are done. */
  begun: Word;
  done: Word;
  /**
   * 1: at this rest the event was set and cleared; 2: set for good, as that did not free everyone.
   */
  pulsed: Word;
}

export const eventAct: Act = act<Things>({
  name: 'Event',

  make: () => ({ event: new Event(), begun: word(), done: word(), pulsed: word() }),

  async play(flow, things) {
    const { event, begun, done } = things;
    flow.at(NEAR);
    const odds = flow.random.below(100);
    if (odds < 25) set(things);
    else if (odds < 45) event.clear();
    else if (odds < 60) {
      set(things);
      event.clear();
    } else {
      const before = done.value;
      const up = event.isSet();
      flow.at(WAITS);
      const freed = await flow.wait(
        (options) => event.wait(options),
        (options) => event.waitSync(options),
      );
      if (freed === true && !up && begun.value === before) {
        flow.violated(`Event: a wait gave true, and nobody has set it: ${event}`);
      }
    }
  },

  awaitsRelief: (phase) => phase === WAITS,

  relieve: (flow, things, seen) => relieve(flow, things, seen),

  async check(_flow, { event, begun, done, pulsed }) {
    event.clear();
    done.value = begun.value; // The dead have not told.
    pulsed.value = 0;
  },
});

function set({ event, begun, done }: Things): void {
  begun.add(1);
  event.set();
  done.add(1);
}

/** One `set`, followed immediately by `clear`, has to free all waiters. */
async function relieve(flow: Flow, things: Things, { here, quiet, quietFor }: Intermission): Promise<void> {
  const { event, pulsed } = things;
  if (!quiet || here.length === 0 || pulsed.value === 2) return;
  if (quietFor > PATIENCE) {
    const seats = here.map(({ seat }) => seat).join(', ');
    flow.violated(`Event: flows ${seats} still wait ${quietFor} ms after everyone should be free: ${event}`);
    pulsed.value = 2;
    set(things);
  } else if (pulsed.value === 0 && !event.isSet() && event.describe().waiting === here.length) {
    pulsed.value = 1;
    set(things);
    event.clear();
  }
}
