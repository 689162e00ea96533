/** Places: the calls on a turnstile: take, leave, give; and a condition's wait and notify. */

import type { CallId, Facts, Machine, Step } from './machine.ts';
import { step } from './machine.ts';
import type { Turnstile, TurnstileRules } from './turnstile.ts';
import { callsInTurnstile, emptyTurnstile, resolveTurnstile, Turning } from './turnstile.ts';

export type PlacesCall =
  /**
   * Takes places, or checks whether the places that it waits for are free. `wait: false` tries
   * once. `since`: the version of the offer on which the call has gone in already; the token.
   */
  | {
      readonly op: 'take';
      readonly call: CallId;
      readonly places: number;
      readonly wait: boolean;
      readonly since?: number | undefined;
    }
  /** Ends the call's hold, offer or wait, whichever it has. */
  | { readonly op: 'leave'; readonly call: CallId }
  /** Adds places to a plain semaphore. */
  | { readonly op: 'give'; readonly call: CallId; readonly places: number; readonly most: number }
  /** Gives up `hold` and waits for a notification as `call`, in one step. */
  | { readonly op: 'wait'; readonly call: CallId; readonly hold: CallId; readonly condition: string }
  /** Ends a wait without a notification: the call queues for the lock again. */
  | { readonly op: 'giveUp'; readonly call: CallId; readonly condition: string }
  | {
      readonly op: 'notify';
      readonly call: CallId;
      readonly hold: CallId;
      readonly condition: string;
      readonly n: number;
    }
  | { readonly op: 'look' };

/** The calls that a store may make by itself. */
export type TurnCall = Extract<PlacesCall, { readonly op: 'take' | 'leave' | 'give' }>;

export interface PlacesView {
  readonly of: number;
  readonly free: number;
  readonly holders: readonly { readonly call: CallId; readonly places: number; readonly token: number }[];
  readonly waiting: number;
  /** Waits for a notification, by condition. */
  readonly waits: Readonly<Record<string, number>>;
}

export type PlacesReply =
  | { readonly is: 'held'; readonly token: number; readonly recovered: boolean }
  /** `look`: milliseconds after which to look again on one's own account; 0: only when rung. */
  | { readonly is: 'waiting'; readonly look: number }
  /** The operation was done; `count` says how many, where the caller asks for that. */
  | { readonly is: 'done'; readonly count: number }
  /** Not taken by a call that does not wait, not held, too many, or made for another number. */
  | { readonly is: 'busy' | 'notHeld' | 'tooMany' }
  | { readonly is: 'differs'; readonly of: number }
  | { readonly is: 'view'; readonly view: PlacesView };

export interface PlacesOptions extends TurnstileRules {
  readonly kind: string;
  /** Places at first. */
  readonly of: number;
  /** Whether an idle document is kept: its parameters have to be remembered. */
  readonly keeps: boolean;
}

export function placesMachine(options: PlacesOptions): Machine<Turnstile, PlacesCall, PlacesReply> {
  return {
    kind: options.kind,
    places: options.of,
    callsIn: callsInTurnstile,
    resolve: resolveTurnstile,
    apply: (state, call, facts) => turn(state, call, facts, options),
  };
}

function turn(
  given: Turnstile | undefined,
  call: PlacesCall,
  facts: Facts,
  options: PlacesOptions,
): Step<Turnstile, PlacesReply> {
  const before = given ?? emptyTurnstile(options.of);
  if (options.owned && before.of !== options.of) {
    return step<Turnstile, PlacesReply>(given, { is: 'differs', of: before.of });
  }
  const claims = call.op === 'take' ? call.call : undefined;
  const turning = new Turning(before, facts, options, claims);
  if (given === undefined && options.keeps && call.op !== 'look') turning.changed = true;
  const reply = perform(turning, call, options);
  if (!turning.changed) return step<Turnstile, PlacesReply>(given, reply);
  const idle = turning.isIdle && !options.keeps;
  return step(idle ? undefined : turning.state, reply, turning.rings);
}

function perform(turning: Turning, call: PlacesCall, options: PlacesOptions): PlacesReply {
  switch (call.op) {
    case 'take':
      return take(turning, call);
    case 'leave': {
      const left = turning.leave(call.call);
      turning.serve(undefined);
      return { is: 'done', count: left ? 1 : 0 };
    }
    case 'give':
      if (turning.free + call.places > call.most) return { is: 'tooMany' };
      turning.free += call.places;
      turning.changed = true;
      turning.serve(undefined);
      return { is: 'done', count: call.places };
    case 'wait':
      return wait(turning, call);
    case 'giveUp':
      return giveUp(turning, call.call, call.condition, options.of);
    case 'notify': {
      if (turning.holderOf(call.hold) === undefined) return { is: 'notHeld' };
      return { is: 'done', count: turning.notify(call.condition, call.n) };
    }
    case 'look':
      return { is: 'view', view: view(turning) };
  }
}

function take(turning: Turning, { call, places, wait, since }: PlacesCall & { op: 'take' }): PlacesReply {
  const known = turning.holderOf(call);
  if (known !== undefined) return { is: 'held', token: known[2], recovered: known[3] === 1 };
  if (turning.claim(call, since)) {
    turning.serve(undefined);
    return held(turning, call);
  }
  // Not yet notified: it waits for more than places.
  if (turning.isWaiting(call)) return { is: 'waiting', look: 0 };
  const before = turning.changed;
  if (!turning.isQueued(call)) turning.join(call, places);
  turning.serve(call);
  if (!turning.isQueued(call)) return held(turning, call);
  if (wait) return { is: 'waiting', look: turning.nextLook };
  const served = turning.rings.length > 0;
  turning.leave(call);
  // Nothing else was done: the step leaves the document as it was.
  if (!served) turning.changed = before;
  return { is: 'busy' };
}

/** The reply to a call that this step lets in. Token 0: the version of the write to come. */
function held(turning: Turning, call: CallId): PlacesReply {
  const [, , token = 0, told] = turning.holderOf(call) ?? [];
  return { is: 'held', token, recovered: told === 1 };
}

function wait(turning: Turning, { call, hold, condition }: PlacesCall & { op: 'wait' }): PlacesReply {
  // A repeated call: the wait has already begun, and may be in any of its states.
  const begun =
    turning.isWaiting(call) ||
    turning.isQueued(call) ||
    turning.holderOf(call) !== undefined ||
    turning.offers.some(([id]) => id === call);
  if (begun) return { is: 'waiting', look: 0 };
  if (turning.holderOf(hold) === undefined) return { is: 'notHeld' };
  turning.leave(hold);
  turning.await(condition, call);
  turning.serve(undefined);
  return { is: 'waiting', look: 0 };
}

function giveUp(turning: Turning, call: CallId, condition: string, places: number): PlacesReply {
  if (!(turning.waits[condition] ?? []).includes(call)) return { is: 'done', count: 0 };
  turning.leave(call);
  turning.join(call, places);
  turning.serve(call);
  return { is: 'done', count: 1 };
}

function view({ of, free, holders, offers, queue, waits }: Turning): PlacesView {
  return {
    of,
    free,
    holders: holders.map(([call, places, token]) => ({ call, places, token })),
    waiting: queue.length + offers.length,
    waits: Object.fromEntries(Object.entries(waits).map(([name, calls]) => [name, calls.length])),
  };
}
