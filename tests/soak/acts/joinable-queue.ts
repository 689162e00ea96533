/**
 * A JoinableQueue of few bytes: as a Queue, and what is unfinished is what takers were killed with.
 */

import { JoinableQueue, OverReleaseError } from 'lockstep';
import { type Word, word } from '../../support/words.ts';
import type { Act, Player } from '../act.ts';
import { act } from '../act.ts';
import { checkDelivery, lose } from '../delivery.ts';
import type { Flow } from '../flow.ts';
import type { Letter } from '../letter.ts';
import { isStuck, type Mail, makeMail, PUTS, puts, relieveMail, TAKES, takes } from '../mail.ts';

const BYTES = 65_536;
const LONGEST = 40_000;
const WHAT = 'JoinableQueue';
const JOINS = 3;
const FINISHES = 4;

interface Things extends Mail<JoinableQueue<Letter>> {
  /**
   * Flows that were killed before they had reported a letter done, perhaps; less those that the
   * supervisor has reported.
   */
  unreported: Word;
}

export const joinableQueueAct: Act = act<Things>({
  name: WHAT,

  make: () => ({ ...makeMail(new JoinableQueue<Letter>({ bytes: BYTES })), unreported: word() }),

  async play(flow, things) {
    const odds = flow.random.below(100);
    if (odds < 45) await puts(flow, things, LONGEST);
    else if (odds < 95) await finishes(flow, things);
    else await joins(flow, things);
  },

  died(_flow, { delivery, unreported }, seat, phase) {
    lose(delivery, seat, phase === TAKES);
    if (phase === TAKES || phase === FINISHES) unreported.add(1);
  },

  awaitsRelief: (phase) => phase === PUTS || phase === TAKES || phase === JOINS,

  async relieve(flow, things, { here, quiet }) {
    if (quiet) await relieve(flow, things, here);
  },

  async check(flow, things) {
    const { queue, delivery, unreported } = things;
    while (!queue.empty) await finishes(flow, things);
    const left = queue.describe().unfinished;
    if (left > unreported.value) {
      flow.violated(`${WHAT}: ${left} letters are unfinished, ${unreported.value} takers were killed`);
    }
    for (let many = left; many > 0; many--) queue.taskDone();
    if (!(await queue.join({ timeout: 0 }))) flow.violated(`${WHAT}: all is done, and join waits: ${queue}`);
    refusesMore(flow, things);
    unreported.value = 0;
    checkDelivery(flow, delivery, WHAT);
  },
});

async function finishes(flow: Flow, things: Things): Promise<void> {
  if (!(await takes(flow, things, WHAT))) return;
  flow.at(FINISHES);
  things.queue.taskDone();
}

async function joins(flow: Flow, { queue }: Things): Promise<void> {
  flow.at(JOINS);
  await flow.wait(
    (options) => queue.join(options),
    (options) => queue.joinSync(options),
  );
}

/** Joiners go last: when nothing more is put, and the items of the dead are reported. */
async function relieve(flow: Flow, things: Things, here: readonly Player[]): Promise<void> {
  const { queue, unreported } = things;
  if (here.some(({ phase }) => phase !== JOINS)) {
    if (await relieveMail(flow, things, here, WHAT)) queue.taskDone();
  } else if (here.length > 0 && !queue.empty) await finishes(flow, things);
  else if (here.length > 0 && queue.describe().unfinished > 0) {
    queue.taskDone();
    if (unreported.value > 0) unreported.sub(1);
    else flow.violated(`${WHAT}: a letter is unfinished, and no taker was killed: ${queue}`);
  } else if (here.length > 0) isStuck(flow, things, `${WHAT}: all is done, and some still join: ${queue}`);
}

function refusesMore(flow: Flow, { queue }: Things): void {
  try {
    queue.taskDone();
    flow.violated(`${WHAT}: more was reported done than was put: ${queue}`);
  } catch (error) {
    if (!(error instanceof OverReleaseError)) throw error;
  }
}
