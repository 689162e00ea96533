/**
 * Taking: takes places at the server: queues, waits for the offer, and goes in. A call that gives
 * up leaves the queue.
 */

import { setTimeout } from '#clock';
import type { Deadline } from '../../deadline.ts';
import { LeaseLostError } from '../../errors.ts';
import type { Bell } from '../bells.ts';
import type { CallId } from '../machines/machine.ts';
import type { PlacesCall, PlacesReply } from '../machines/places.ts';
import type { Result } from '../pending.ts';
import { ignoreEnd } from '../pending.ts';
import type { Lease } from '../session.ts';
import type { Standing } from './cluster-hold.ts';
import { Early, Moment, remainderOf } from './early.ts';
import { answerTo, checkAnswered, inTime, untilReady } from './in-time.ts';
import type { Places } from './places.ts';
import { differs, ignoreLoss } from './places.ts';
import { Stay } from './stay.ts';

/** The approximate time that a claim takes to arrive. */
const GIVING_WAY_MS = 2;
/**
 * How much later a process queues again for a lock that it has just passed on. Its call would
 * compete with the next holder for the processors, and others wait before it anyway.
 */
const LETTING_IN_MS = 1;

export class Taking {
  private readonly places: Places;

  constructor(places: Places) {
    this.places = places;
  }

  /** Takes it until the deadline; `null` when others held it until then. */
  async take(deadline: Deadline): Promise<Standing | null> {
    const { core, key } = this.places;
    let pause = core.stays.hasJustLeft(key) ? LETTING_IN_MS : 0;
    for (let waited = false; ; waited = true) {
      if (!core.session.lease.valid) await untilReady(core, deadline, waited, this.refused);
      if (this.hasJustOffered()) pause = GIVING_WAY_MS;
      if (pause > 0 && !deadline.expired) await sleep(pause);
      pause = 0;
      try {
        return await this.takeAs(core.session.nextCall(), deadline);
      } catch (error) {
        // The call waited under a lease that is lost. It held nothing, so start again.
        if (!(error instanceof LeaseLostError)) throw error;
        deadline.throwIfAborted();
      }
    }
  }

  private get refused(): string {
    return `${this.places.title}: not acquired in time`;
  }

  /**
   * Whether this process has just made another process an offer. Then it joins the queue a moment
   * later: its write would conflict with that claim, which delays all waiters.
   */
  private hasJustOffered(): boolean {
    const { core, key } = this.places;
    const written = core.calls.lanes.justWritten(key, GIVING_WAY_MS);
    return written?.includes('"offers":[[') === true;
  }

  private async takeAs(id: CallId, deadline: Deadline): Promise<Standing | null> {
    const { core, key, machine, each: places } = this.places;
    const wait = !deadline.expired;
    const { lease } = core.session;
    const { heard } = core.bells;
    let bell: Bell | undefined;
    const take = { op: 'take', call: id, places, wait } as const;
    try {
      for (;;) {
        const asked = new Moment();
        const made = core.calls.make(key, machine, id, take, isWaiting);
        const result = await inTime(made, deadline, core);
        if (result === undefined || deadline.signal?.aborted === true) {
          const undone = made.then((late) => this.undo(id, late)).catch(ignoreEnd);
          if (result !== undefined) await answerTo(undone, deadline, core);
        }
        checkAnswered(result, deadline, core, this.refused);
        const { reply, version } = result;
        if (reply.is === 'busy') return null;
        if (reply.is === 'held') {
          const token = reply.token === 0 ? version : reply.token;
          return { call: id, token, recovered: reply.recovered, lease };
        }
        if (reply.is !== 'waiting') throw differs(this.places, reply);
        bell ??= core.bells.hangAfter(key, heard);
        if (await bell.next(deadline, reply.look)) {
          const early = this.enterEarly(take, lease, asked, result.now);
          if (early !== undefined) return early;
          continue;
        }
        const left = await answerTo(this.undo(id, result), deadline, core);
        checkAnswered(left, deadline, core, this.refused);
        return null;
      }
    } finally {
      bell?.unhang();
    }
  }

  /** Goes in on an offer that certainly stands, and claims it meanwhile: see early.ts. */
  private enterEarly(
    take: PlacesCall & { op: 'take' },
    lease: Lease,
    asked: Moment,
    replied: number | undefined,
  ): Standing | undefined {
    const { core, key, machine } = this.places;
    const { call } = take;
    const offer = replied === undefined ? undefined : core.calls.lanes.offerTo(key, call);
    if (offer === undefined) return undefined;
    const stands = remainderOf(offer.until, replied!, asked, core.calls.claim);
    if (stands <= 0 || !lease.valid) return undefined;
    const since = offer.version;
    const early = new Early(lease, stands);
    const stay = offer.crowded ? new Stay() : undefined;
    core.calls.make(key, machine, call, { ...take, since }, isWaiting).then(
      (result) => {
        const { reply } = result;
        if (reply.is === 'held' && reply.token === since) {
          early.confirm();
          if (stay !== undefined) stay.claimed = result.version;
          return;
        }
        early.end('its offer had run out before the claim arrived');
        // A loss of the lease ends the call anyway.
        return this.undo(call, result).catch(ignoreLoss);
      },
      (error: unknown) => early.end('it could not be claimed', error),
    );
    return { call, token: since, recovered: false, lease: early, stay };
  }

  /** Ends a call whose caller has given up. */
  private async undo(id: CallId, { reply }: Result<PlacesReply>): Promise<true> {
    const { core, key, machine, each, leased } = this.places;
    if (reply.is === 'busy') return true;
    const most = Number.MAX_SAFE_INTEGER;
    if (reply.is === 'held' && !leased) {
      const again = core.session.nextCall();
      await core.calls.make(key, machine, again, { op: 'give', call: again, places: each, most });
    } else await core.calls.make(key, machine, id, { op: 'leave', call: id }, 'repeated');
    return true;
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whether the call has to wait. Such a call is made again at every look. */
function isWaiting({ is }: PlacesReply): boolean {
  return is === 'waiting';
}
