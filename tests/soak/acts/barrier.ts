/**
 * A Barrier of three parties that always are the same three seats. When it is broken, the parties
 * stand until the supervisor has seen all of them stand. The survivors have passed the same number
 * of rounds, and go on together with the parties that replace the dead.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { Barrier, BrokenBarrierError } from 'lockstep';
import { type Word, word, words } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { partiesOf } from '../cast.ts';
import type { Flow } from '../flow.ts';

const NAME = 'Barrier';
const SEATS: readonly number[] = partiesOf(NAME);
/** In `stands`: the party goes through rounds; has just come; has seen the barrier broken. */
const GOES = 0;
const HAS_COME = 1;
const SAW_IT_BROKEN = 2;
/** A goal that nobody reaches. */
const NEVER = 2 ** 30;
const HERE = 1;

interface Things {
  barrier: Barrier;
  /** Of each party: the round that it has come to, and the last one that it has passed. */
  arrived: Word[];
  passed: Word[];
  stands: Word[];
  /** The round after which all flows rest. */
  goal: Word;
}

export const barrierAct: Act = act<Things>({
  name: NAME,
  partiesOnly: true,

  make() {
    const each = (): Word[] => words(SEATS.length);
    return {
      barrier: new Barrier(SEATS.length),
      arrived: each(),
      passed: each(),
      stands: words(SEATS.length, -1),
      goal: word(NEVER),
    };
  },

  async play(flow, things) {
    const party = SEATS.indexOf(flow.seat);
    const stands = things.stands[party] as Word;
    flow.at(HERE);
    // Nobody has sat here since the last one was killed.
    if (stands.value === -1) stands.value = HAS_COME;
    if (stands.value !== GOES) await sleep(1);
    else await round(flow, things, party);
  },

  mayRest(flow, { goal, passed, stands }) {
    const party = SEATS.indexOf(flow.seat);
    return stands[party]?.value === GOES && (passed[party] as Word).value >= goal.value;
  },

  died(_flow, { barrier, stands }, seat) {
    const party = SEATS.indexOf(seat);
    if (party < 0) return;
    (stands[party] as Word).value = -1;
    // One that was killed between two rounds has broken nothing, and the others wait for it.
    barrier.abort();
  },

  tend(flow, { barrier, arrived, passed, stands }) {
    if (stands.some(({ value }) => value === GOES || value === -1)) return;
    const survivors = [...SEATS.keys()].filter((party) => stands[party]?.value === SAW_IT_BROKEN);
    const rounds = survivors.map((party) => Number(passed[party]?.value));
    const reached = Math.max(0, ...(rounds.length > 0 ? rounds : passed.map(({ value }) => value)));
    if (rounds.some((passes) => passes !== reached)) {
      flow.violated(`${NAME}: it broke, and the survivors have passed ${rounds.join(', ')} rounds`);
    }
    for (const each of [...arrived, ...passed]) each.value = reached;
    barrier.reset();
    for (const each of stands) each.value = GOES;
  },

  calm(_flow, { arrived, goal }) {
    goal.value = Math.max(...arrived.map(({ value }) => value)) + 2;
  },

  async check(flow, { barrier, passed, goal }) {
    const rounds = passed.map(({ value }) => value);
    if (new Set(rounds).size > 1) flow.violated(`${NAME}: everybody rests after ${rounds.join(', ')} rounds`);
    if (barrier.nWaiting !== 0 || barrier.broken) flow.violated(`${NAME}: everybody rests, ${barrier}`);
    goal.value = NEVER;
  },
});

/**
 * One round: nobody leaves it before all have come, nobody comes to the next but one before all
 * have left.
 */
async function round(flow: Flow, things: Things, party: number): Promise<void> {
  const { barrier, arrived, passed, stands, goal } = things;
  const mine = passed[party] as Word;
  if (mine.value >= goal.value) {
    await sleep(1);
    return;
  }
  const now = mine.value + 1;
  (arrived[party] as Word).value = now;
  try {
    const index = await passes(flow, barrier);
    if (!(index >= 0 && index < SEATS.length)) flow.violated(`${NAME}: a party got index ${index}`);
  } catch (error) {
    if (!(error instanceof BrokenBarrierError)) throw error;
    (stands[party] as Word).value = SAW_IT_BROKEN;
    return;
  }
  for (const { value } of arrived) {
    if (value === now || value === now + 1) continue;
    flow.violated(`${NAME}: a party has passed round ${now}, and another is at ${value}`);
  }
  mine.value = now;
  await flow.dawdle();
}

/** Mostly without limit, as a party that gives up breaks the barrier for all. */
async function passes(flow: Flow, barrier: Barrier): Promise<number> {
  const blocks = flow.mayBlock && flow.random.percent(50);
  const options = flow.random.percent(2) ? { timeout: flow.random.below(20) } : {};
  return blocks ? barrier.waitSync(options) : await barrier.wait(options);
}
