/**
 * Once: a machine whose calls are made once, however often they arrive. The document keeps the
 * replies of late calls; a call that finds its own reply there has been made already.
 *
 * Each call reports which calls of its session are still under way (`facts.seen`). The next write
 * drops the replies of earlier calls, those of dead sessions, and those too old to be asked for.
 */

import type { CallId, Facts, Machine, Step } from './machine.ts';
import { isDead, numberOf, sessionOf } from './machine.ts';

/** A call that was answered: its id, the version of its write (0: of the last), its reply. */
type Answered<Reply> = readonly [call: CallId, version: number, reply: Reply];

export interface OnceState<State, Reply> {
  readonly state: State | null;
  readonly made: readonly Answered<Reply>[];
}

/**
 * The id under which a call is to be made once, given its reply; `undefined` where repeating it
 * does no harm. Without a reply: the id under which to look.
 */
export type OnceCall<Call, Reply> = (call: Call, reply?: Reply) => CallId | undefined;

/** Milliseconds for which a reply is kept. */
export const KEPT_MS = 60_000;

export function once<State, Call, Reply>(
  machine: Machine<State, Call, Reply>,
  callOf: OnceCall<Call, Reply>,
): Machine<OnceState<State, Reply>, Call, Reply> {
  return {
    kind: machine.kind,
    places: machine.places,
    counts: machine.counts,
    callsIn: ({ state, made }) => [
      ...(state === null ? [] : machine.callsIn(state)),
      ...made.map(([call]) => call),
    ],
    lapses: ({ state }) => state === null,
    resolve: ({ state, made }, version) => ({
      state: state === null || machine.resolve === undefined ? state : machine.resolve(state, version),
      made: made.map(([call, at, reply]): Answered<Reply> => [call, at === 0 ? version : at, reply]),
    }),
    apply: (given, call, facts): Step<OnceState<State, Reply>, Reply> => {
      const made = given?.made ?? [];
      const id = callOf(call);
      const known = id === undefined ? undefined : made.find(([other]) => other === id);
      if (given !== undefined && known !== undefined)
        return { state: given, reply: known[2], rings: [], version: known[1] };
      const before = given?.state ?? undefined;
      const { state, reply, rings } = machine.apply(before, call, facts);
      if (state === before) return { state: given, reply, rings };
      const kept = made.filter((entry) => isKept(entry, facts));
      const mine = callOf(call, reply);
      const now: readonly Answered<Reply>[] = mine === undefined ? kept : [...kept, [mine, 0, reply]];
      if (state === undefined && now.length === 0) return { state: undefined, reply, rings };
      return { state: { state: state ?? null, made: now }, reply, rings };
    },
  };
}

function isKept([call, version]: Answered<unknown>, facts: Facts): boolean {
  if (isDead(call, facts)) return false;
  if (sessionOf(call) === facts.caller && numberOf(call) < facts.seen) return false;
  return version === 0 || version / 1000 > facts.now - KEPT_MS;
}
