/**
 * Turnstile: a number of places, the calls that hold some, the calls that were offered some, and a
 * queue. Lock, RLock, Semaphore, BoundedSemaphore and RWLock are turnstiles: a lock has one place,
 * a writer takes all places and a reader one.
 *
 * Order: a call joins the tail of the queue, and is served when it reaches the head and its places
 * are free. A call that serves the queue takes its own places immediately. To another call it makes
 * an *offer*, which that call claims within `claim` milliseconds of the server's clock. A waiter
 * that does not claim goes to the tail, so a stopped waiter costs the others one claim time, not a
 * lease.
 *
 * The next waiter in the queue notices that an offer has run out: it is rung together with the
 * offered call, and looks when the claim time is over. A claim that comes late, but before that
 * look, still counts. Rings may be lost; every waiter looks anyway when a third of the lease has
 * passed.
 *
 * If a session dies: its places come back, its offers and its entries in the queue go, whenever a
 * step finds it dead. Where `tells` is set, the next call to enter after a holder died inside
 * reports it.
 *
 * Race: A is offered the place (A1) and stops. B looks after the claim time: A's entry goes to the
 * tail, B takes the place (B1). A goes on and claims (A2): it finds its entry in the queue, and
 * waits. A2 before B1 in the order of commits: A holds, and B's look changes nothing. A claim that
 * was sent before B1 and arrives after it meets another version, and runs again as A2.
 */

import type { CallId, Facts, Ring } from './machine.ts';
import { isDead } from './machine.ts';

/** A holder: call, places, token (0: the version of the last write), 1 if one died before it. */
export type Holder = readonly [call: CallId, places: number, token: number, told: 0 | 1];
/** An offer of places: call, places, until when (server), a condition's notification if any. */
export type Offer = readonly [call: CallId, places: number, until: number, note: string];
/** A waiter: call, places, and the condition whose notification it has, if any. */
export type Entry = readonly [call: CallId, places: number, note: string];

export interface Turnstile {
  /** Places in all, where a dead holder's come back. */
  readonly of: number;
  readonly free: number;
  readonly holders: readonly Holder[];
  readonly offers: readonly Offer[];
  readonly queue: readonly Entry[];
  /** Calls that wait for a notification, by condition. */
  readonly waits: Readonly<Record<string, readonly CallId[]>>;
  /** 1: a holder died inside, and no later holder has reported it yet. */
  readonly hurt: 0 | 1;
}

export interface TurnstileRules {
  /** Holders are noted, so a dead one's places come back. A plain semaphore's are not. */
  readonly owned: boolean;
  /** Whether the guarded data may be half-written when a holder of all places dies. */
  readonly tells: boolean;
}

export function emptyTurnstile(of: number): Turnstile {
  return { of, free: of, holders: [], offers: [], queue: [], waits: {}, hurt: 0 };
}

/** The state as it is being changed by one step. */
export class Turning {
  of: number;
  free: number;
  holders: Holder[];
  offers: Offer[];
  queue: Entry[];
  waits: Record<string, readonly CallId[]>;
  hurt: 0 | 1;
  readonly rings: Ring[] = [];
  changed = false;
  private readonly before: Turnstile;
  private readonly facts: Facts;
  private readonly rules: TurnstileRules;

  /** `claims`: the call that claims its offer, which counts even if it has run out. */
  constructor(state: Turnstile, facts: Facts, rules: TurnstileRules, claims?: CallId) {
    this.before = state;
    this.of = state.of;
    this.free = state.free;
    this.holders = [...state.holders];
    this.offers = [...state.offers];
    this.queue = [...state.queue];
    this.waits = { ...state.waits };
    this.hurt = state.hurt;
    this.facts = facts;
    this.rules = rules;
    this.bury();
    this.expire(claims);
  }

  /** The state after the step; the previous object if nothing has changed. */
  get state(): Turnstile {
    if (!this.changed) return this.before;
    const { of, free, holders, offers, queue, waits, hurt } = this;
    return { of, free, holders, offers, queue, waits, hurt };
  }

  /** Whether nothing is left that a document would have to keep. */
  get isIdle(): boolean {
    const { of, free, holders, offers, queue, waits, hurt } = this;
    const out = holders.length + offers.length + queue.length + Object.keys(waits).length;
    return free === of && out === 0 && hurt === 0;
  }

  holderOf(call: CallId): Holder | undefined {
    return this.holders.find(([id]) => id === call);
  }

  isQueued(call: CallId): boolean {
    return this.queue.some(([id]) => id === call);
  }

  isWaiting(call: CallId): boolean {
    return Object.values(this.waits).some((calls) => calls.includes(call));
  }

  /**
   * Takes the places that were offered to `call`, with that token; returns whether there was an
   * offer.
   */
  claim(call: CallId, token = 0): boolean {
    const offer = this.offers.find(([id]) => id === call);
    if (offer === undefined) return false;
    this.offers = this.offers.filter((other) => other !== offer);
    this.enter(call, offer[1], token);
    return true;
  }

  join(call: CallId, places: number, note = ''): void {
    this.queue.push([call, places, note]);
    this.changed = true;
  }

  /**
   * Removes the call from holders, offers, queue and waits; returns whether it was in one of them.
   */
  leave(call: CallId): boolean {
    const holder = this.holderOf(call);
    const offer = this.offers.find(([id]) => id === call);
    const places = holder?.[1] ?? offer?.[1] ?? 0;
    const known = places > 0 || this.isQueued(call) || this.isWaiting(call);
    if (!known) return false;
    // A notification that comes too late for this waiter goes to the next.
    const note = offer?.[3] ?? this.queue.find(([id]) => id === call)?.[2] ?? '';
    this.holders = this.holders.filter(([id]) => id !== call);
    this.offers = this.offers.filter(([id]) => id !== call);
    this.queue = this.queue.filter(([id]) => id !== call);
    this.forget(call);
    this.free += places;
    this.changed = true;
    this.passOn(note);
    return true;
  }

  /**
   * Serves the queue from its head, as far as places are free. `self` takes its places, other calls
   * get offers.
   */
  serve(self: CallId | undefined): void {
    let offered = 0;
    for (let head = this.queue[0]; head !== undefined && head[1] <= this.free; head = this.queue[0]) {
      const [call, places, note] = head;
      this.queue.shift();
      this.free -= places;
      this.changed = true;
      if (call === self) {
        this.enter(call, places);
        continue;
      }
      this.offers.push([call, places, this.facts.now + this.facts.claim, note]);
      this.rings.push({ to: call, after: 0 });
      offered++;
    }
    const next = this.queue[0];
    if (offered > 0 && next !== undefined) this.rings.push({ to: next[0], after: this.facts.claim });
  }

  /** Moves at most `n` waits of the condition to the queue; returns how many. */
  notify(condition: string, n: number): number {
    const waiting = this.waits[condition] ?? [];
    const woken = waiting.slice(0, Math.max(0, n));
    if (woken.length === 0) return 0;
    for (const call of woken) this.join(call, this.of, condition);
    this.setWaits(condition, waiting.slice(woken.length));
    return woken.length;
  }

  /** Begins a wait for a notification. */
  await(condition: string, call: CallId): void {
    this.setWaits(condition, [...(this.waits[condition] ?? []), call]);
    this.changed = true;
  }

  /** Milliseconds until the first offer runs out; 0 if there is none. */
  get nextLook(): number {
    if (this.offers.length === 0) return 0;
    const first = Math.min(...this.offers.map(([, , until]) => until));
    return Math.min(this.facts.claim, Math.max(1, first - this.facts.now));
  }

  private enter(call: CallId, places: number, token = 0): void {
    const told = this.rules.tells ? this.hurt : 0;
    if (places === this.of) this.hurt = 0;
    if (this.rules.owned) this.holders.push([call, places, token, told]);
    this.changed = true;
  }

  private bury(): void {
    const { facts } = this;
    if (facts.dead.size === 0) return;
    const gone = [...this.holders, ...this.offers, ...this.queue].map(([call]) => call);
    const waiting = Object.values(this.waits).flat();
    for (const call of new Set([...gone, ...waiting])) {
      if (!isDead(call, facts)) continue;
      const holder = this.holderOf(call);
      if (holder !== undefined && this.rules.tells && holder[1] === this.of) this.hurt = 1;
      this.leave(call);
    }
  }

  /** Sends waiters that did not claim in time to the tail. */
  private expire(claims: CallId | undefined): void {
    const late = this.offers.filter(([call, , until]) => until <= this.facts.now && call !== claims);
    if (late.length === 0) return;
    this.offers = this.offers.filter((offer) => !late.includes(offer));
    for (const [call, places, , note] of late) {
      this.free += places;
      this.join(call, places, note);
    }
  }

  private passOn(note: string): void {
    if (note !== '') this.notify(note, 1);
  }

  private forget(call: CallId): void {
    for (const [condition, calls] of Object.entries(this.waits))
      if (calls.includes(call))
        this.setWaits(
          condition,
          calls.filter((other) => other !== call),
        );
  }

  private setWaits(condition: string, calls: readonly CallId[]): void {
    if (calls.length > 0) this.waits[condition] = calls;
    else delete this.waits[condition];
    this.changed = true;
  }
}

/** Every call that the state names. */
export function callsInTurnstile({ holders, offers, queue, waits }: Turnstile): readonly CallId[] {
  return [...[...holders, ...offers, ...queue].map(([call]) => call), ...Object.values(waits).flat()];
}

export function resolveTurnstile(state: Turnstile, version: number): Turnstile {
  if (!state.holders.some(([, , token]) => token === 0)) return state;
  const holders = state.holders.map(
    ([call, places, token, told]): Holder => [call, places, token === 0 ? version : token, told],
  );
  return { ...state, holders };
}
