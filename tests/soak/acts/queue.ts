/** A Queue of few places and bytes: each item is taken once, whole, and in order. */

import { Queue } from 'lockstep';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { checkDelivery, lose } from '../delivery.ts';
import type { Letter } from '../letter.ts';
import { type Mail, makeMail, PUTS, puts, relieveMail, TAKES, takes } from '../mail.ts';

const PLACES = 8;
const BYTES = 65_536;
/** More than a quarter of the bytes goes by a file of its own. */
const LONGEST = 40_000;
const WHAT = 'Queue';

export const queueAct: Act = act<Mail>({
  name: WHAT,

  make: () => makeMail(new Queue<Letter>({ maxSize: PLACES, bytes: BYTES })),

  async play(flow, mail) {
    if (flow.random.percent(50)) await puts(flow, mail, LONGEST);
    else await takes(flow, mail, WHAT);
  },

  died: (_flow, { delivery }, seat, phase) => lose(delivery, seat, phase === TAKES),

  awaitsRelief: (phase) => phase === PUTS || phase === TAKES,

  async relieve(flow, mail, seen) {
    if (seen.quiet) await relieveMail(flow, mail, seen.here, WHAT);
  },

  async check(flow, mail) {
    const { queue, delivery } = mail;
    while (!queue.empty) await takes(flow, mail, WHAT);
    if (queue.size !== 0) flow.violated(`${WHAT}: empty, and its size is ${queue.size}`);
    checkDelivery(flow, delivery, WHAT);
  },
});
