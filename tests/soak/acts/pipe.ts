/**
 * Pipes that live for one talk: a host makes one, offers its other end in a queue, and talks with
 * the guest who takes it. One of the two may be killed, or go: then the other has what was sent
 * before, and learns at once that nobody is there.
 */

import { type Connection, Pipe, Queue, QueueEmptyError, QueueFullError, TimedOutError } from 'lockstep';
import { type Word, word, words } from '../../support/words.ts';
import type { Act } from '../act.ts';
import { act } from '../act.ts';
import { CAST } from '../cast.ts';
import type { Flow } from '../flow.ts';
import { answers, asks, hears, type Partner, sends, type Talk, tells } from '../talk.ts';

const HOSTS = 1;
const VISITS = 2;
/** Offers that wait at once. */
const OFFERS = 4;
/** Milliseconds for which a host waits for a guest, and a guest for a host, at most. */
const LONGEST_WAIT = 200;
/** The speaker: the host, the guest, or the host and then the guest. */
const MANNERS = ['tells', 'listens', 'asks'] as const;

/** The host's seat and mark, and the end that is offered. */
interface Offer extends Partner {
  end: Connection;
  number: number;
  manner: (typeof MANNERS)[number];
}

interface Things {
  offers: Queue<Offer>;
  /** Talks of each host's seat. */
  talks: Word[];
  /**
   * Of each host's seat: its last talk from which the host has gone before its end, and the guest.
   */
  hostsGone: Word[];
  guestsGone: Word[];
  /** Offers that were withdrawn, or whose host was killed, since all rested. */
  withdrawn: Word;
}

export const pipeAct: Act = act<Things>({
  name: 'Pipe',

  make: () => ({
    offers: new Queue<Offer>({ maxSize: OFFERS }),
    talks: words(CAST.length),
    hostsGone: words(CAST.length),
    guestsGone: words(CAST.length),
    withdrawn: word(),
  }),

  async play(flow, things) {
    if (flow.random.percent(50)) await hosts(flow, things);
    else await visits(flow, things);
  },

  died(_flow, { withdrawn }, _seat, phase) {
    if (phase === HOSTS) withdrawn.add(1);
  },

  async check(flow, { offers, withdrawn }) {
    let left = 0;
    while (!offers.empty) {
      // The offer keeps its end, though nobody has it open, and though the host has gone.
      const { end, seat } = offers.tryGet()!;
      if (end.describe().connected) {
        flow.violated(`Pipe: everybody rests, and the host of flow ${seat}'s offer is there still: ${end}`);
      }
      end.close();
      left++;
    }
    if (left > withdrawn.value) {
      flow.violated(`Pipe: ${left} offers have no host, ${withdrawn.value} were withdrawn`);
    }
    withdrawn.value = 0;
  },
});

async function hosts(flow: Flow, things: Things): Promise<void> {
  flow.at(HOSTS);
  const manner = flow.random.pick(MANNERS);
  const number = (things.talks[flow.seat] as Word).add(1) + 1;
  const [here, there] = Pipe<unknown, unknown>({ duplex: manner !== 'listens' || flow.random.percent(50) });
  const offer: Offer = { end: there, seat: flow.seat, mark: flow.mark, number, manner };
  const guest = await findsGuest(flow, things, here, offer);
  // From here on nobody has that end open but the guest.
  there.close();
  if (guest !== undefined) {
    const talk = talkOf(things, offer, here, guest, 'host');
    if (manner === 'tells') await tells(flow, talk);
    else if (manner === 'listens') await hears(flow, talk);
    else await asks(flow, talk);
  }
  here.close();
}

async function visits(flow: Flow, things: Things): Promise<void> {
  flow.at(VISITS);
  const offer = await takesOffer(flow, things);
  if (offer === undefined) return;
  const talk = talkOf(things, offer, offer.end, { seat: offer.seat, mark: offer.mark }, 'guest');
  const me: Partner = { seat: flow.seat, mark: flow.mark };
  if (await sends(flow, talk, me)) {
    if (offer.manner === 'tells') await hears(flow, talk);
    else if (offer.manner === 'listens') await tells(flow, talk);
    else await answers(flow, talk);
  }
  offer.end.close();
}

function talkOf(
  { hostsGone, guestsGone }: Things,
  { seat, number }: Offer,
  end: Connection,
  partner: Partner,
  role: 'host' | 'guest',
): Talk {
  const host = hostsGone[seat] as Word;
  const guest = guestsGone[seat] as Word;
  const [gone, partnerGone] = role === 'host' ? [host, guest] : [guest, host];
  return { end, number, partner, gone, partnerGone };
}

/** The member that has taken the offer; `undefined`: nobody, and it is withdrawn. */
async function findsGuest(
  flow: Flow,
  { offers, withdrawn, hostsGone }: Things,
  here: Connection,
  offer: Offer,
): Promise<Partner | undefined> {
  const timeout = flow.random.below(LONGEST_WAIT);
  try {
    offers.tryPut(offer);
    const blocks = flow.mayBlock && flow.random.percent(50);
    return (blocks ? here.recvSync({ timeout }) : await here.recv({ timeout })) as Partner;
  } catch (error) {
    if (!(error instanceof QueueFullError || error instanceof TimedOutError)) throw error;
    (hostsGone[flow.seat] as Word).value = offer.number;
    withdrawn.add(1);
    return undefined;
  }
}

async function takesOffer(flow: Flow, { offers }: Things): Promise<Offer | undefined> {
  const timeout = flow.random.below(LONGEST_WAIT);
  try {
    const blocks = flow.mayBlock && flow.random.percent(50);
    return blocks ? offers.getSync({ timeout }) : await offers.get({ timeout });
  } catch (error) {
    if (!(error instanceof QueueEmptyError)) throw error;
    return undefined;
  }
}
