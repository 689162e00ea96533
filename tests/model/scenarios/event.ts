/** Event: `set` frees all waiters, even if the event is cleared immediately. */

import type { Event } from 'lockstep';
import { CELL_STATE } from '../internals.ts';
import type { Actor, AnyScenario, Scenario } from '../scenario.ts';
import { anEvent, setWord } from './objects.ts';

/** State of an event that is not set, in the last generation before the counter wraps. */
const LAST_GENERATION = 0x7ffffffe;

interface Things {
  event: Event;
}

const base: Pick<Scenario<Things>, 'things' | 'settled'> = {
  things: (share, lib) => ({ event: anEvent(share, lib) }),
  settled: ({ things: { event }, check }) => {
    event.set();
    check(event.waitSync(), 'a set event is waited for');
    event.clear();
    check(!event.isSet(), 'a cleared event is set');
  },
};

const waits: Actor<Things> = {
  run({ things: { event }, check }) {
    check(event.waitSync(), 'the wait came to nothing');
  },
};
const waitsFor: Actor<Things> = {
  timed: true,
  run({ things: { event } }) {
    event.waitSync({ timeout: 100 });
  },
};
const awaits = (flows = 1): Actor<Things> => ({
  async run({ things: { event }, check }) {
    const waits = Array.from({ length: flows }, () => event.wait());
    for (const freed of await Promise.all(waits)) check(freed, 'the wait came to nothing');
  },
});
const sets: Actor<Things> = {
  run({ things: { event } }) {
    event.set();
  },
};

/** Ghost: actors that were waiting when it was set. */
const FREED = 0;
const setsAndClears: Actor<Things> = {
  run({ things: { event }, pause, note, isWaiting }) {
    pause();
    note((ghosts) => {
      for (const actor of [0, 1, 2]) if (isWaiting(actor)) ghosts[FREED]! |= 1 << actor;
    });
    event.set();
    event.clear();
  },
};
/** An actor that came after the set waits for the next one. */
const clearedAtOnce: Scenario<Things>['mayWait'] = ({ waiting, ghosts, things: { event } }) =>
  !event.isSet() && waiting.every((actor) => (ghosts[FREED]! & (1 << actor)) === 0);

const scenarios: readonly Scenario<Things>[] = [
  { ...base, name: 'one sets, two wait', actors: [sets, waits, waits], preemptions: [4, 5] },
  {
    ...base,
    name: 'one sets, two wait, generations at their end',
    begin: ({ event }) => setWord(event, CELL_STATE, LAST_GENERATION),
    actors: [sets, waits, waits],
    preemptions: [2, 3],
  },
  { ...base, name: 'two set, one waits', actors: [sets, sets, waits], preemptions: [4, 5] },
  { ...base, name: 'one sets, two await', actors: [sets, awaits(2), awaits()], preemptions: [4, 5] },
  {
    ...base,
    name: 'one sets, one waits, one gives up',
    actors: [sets, waits, waitsFor],
    timeouts: 1,
    preemptions: [3, 5],
  },
  {
    ...base,
    name: 'one sets and clears at once, one waits, one awaits',
    actors: [setsAndClears, waits, awaits()],
    preemptions: [4, 5],
    mayWait: clearedAtOnce,
  },
  {
    ...base,
    name: 'one sets, two wait, one dies',
    actors: [sets, waits, awaits()],
    deaths: 1,
    preemptions: [1, 3],
    mayWait: ({ things: { event }, dead }) => dead.includes(0) && !event.isSet(),
  },
];
export const eventScenarios: readonly AnyScenario[] = scenarios as readonly AnyScenario[];
