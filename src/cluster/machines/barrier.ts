/**
 * Barrier: a number of parties meet, again and again.
 *
 * `arrived` are the calls of the present round, in their order. The last to arrive takes all of
 * them out and rings them. With an action, it only becomes the acting party; `open` ends the round
 * after the action. A call that is no longer in any of the lists has passed.
 *
 * If a party's session dies while it waits, or while it acts, the step that finds it dead breaks
 * the barrier. `failed` lists calls that have not yet learned that their round broke, even after
 * `reset` has begun a new round.
 */

import type { CallId, Facts, Machine, Step } from './machine.ts';
import { isDead, ringsTo, sessionOf, step } from './machine.ts';

/** The end of the reason why a barrier is broken, where a party's session has died. */
export const DIED = ' died while it waited';

export interface BarrierState {
  readonly parties: number;
  readonly arrived: readonly CallId[];
  /** The call that runs the action, or ''. */
  readonly acting: CallId;
  /** Calls that came while the action ran: rung when the round is over, and to come again. */
  readonly early: readonly CallId[];
  readonly failed: readonly CallId[];
  /** Why it is broken, or ''. */
  readonly broken: string;
}

export type BarrierCall =
  | { readonly op: 'arrive'; readonly call: CallId; readonly acts: boolean; readonly again: CallId }
  /** `party`: the call that arrived. */
  | { readonly op: 'look'; readonly call: CallId; readonly party: CallId }
  | { readonly op: 'open'; readonly call: CallId; readonly party: CallId }
  /** `party` gives up, and breaks its own round only; '': whatever round it is. */
  | { readonly op: 'break'; readonly call: CallId; readonly party: CallId; readonly why: string }
  | { readonly op: 'reset'; readonly call: CallId }
  | { readonly op: 'view' };

export type BarrierReply =
  | { readonly is: 'waiting' | 'acts' | 'passed'; readonly place: number }
  | { readonly is: 'broken'; readonly why: string }
  | { readonly is: 'differs'; readonly parties: number }
  | { readonly is: 'done' }
  | { readonly is: 'view'; readonly parties: number; readonly waiting: number; readonly broken: string };

export function barrierMachine(parties: number): Machine<BarrierState, BarrierCall, BarrierReply> {
  return {
    kind: 'Barrier',
    callsIn: ({ arrived, early, failed }) => [...arrived, ...early, ...failed],
    apply: (state, call, facts) => meet(state, call, facts, parties),
  };
}

type Meeting = Step<BarrierState, BarrierReply>;
type As = (next: BarrierState, reply: BarrierReply, more?: Meeting['rings']) => Meeting;

function meet(given: BarrierState | undefined, call: BarrierCall, facts: Facts, parties: number): Meeting {
  const before = given ?? { parties, arrived: [], acting: '', early: [], failed: [], broken: '' };
  if (before.parties !== parties) return step<BarrierState, BarrierReply>(given, differs(before));
  const { state, rings } = bury(before, facts);
  const as: As = (next, reply, more = []) => {
    const after = next === before ? given : isAtRest(next) ? undefined : next;
    return step(after, reply, [...rings, ...more]);
  };
  const { arrived, acting, early } = state;
  switch (call.op) {
    case 'arrive':
      return arrive(state, call, as);
    case 'look':
      return look(state, call.party, as);
    case 'open': {
      if (acting !== call.party) return as(state, { is: 'broken', why: state.broken });
      const others = arrived.filter((id) => id !== call.party);
      return as(
        { ...state, arrived: [], acting: '', early: [] },
        { is: 'done' },
        ringsTo([...others, ...early]),
      );
    }
    case 'break': {
      // A party that gives up breaks its own round, and not the next.
      if (call.party !== '' && !arrived.includes(call.party)) return look(state, call.party, as);
      const next = broken(state, call.why);
      const others = next.failed.filter((id) => id !== call.party);
      return as({ ...next, failed: others }, { is: 'done' }, ringsTo([...others, ...early]));
    }
    case 'reset': {
      const next = broken(state, 'it was reset');
      return as({ ...next, broken: '' }, { is: 'done' }, ringsTo([...arrived, ...early]));
    }
    case 'view':
      return as(state, { is: 'view', parties, waiting: arrived.length, broken: state.broken });
  }
}

/** Whether nobody is there, and nothing is to be remembered: then the document goes. */
function isAtRest({ arrived, early, failed, broken }: BarrierState): boolean {
  return arrived.length + early.length + failed.length === 0 && broken === '';
}

/** The outcome of the round of a call that arrived. */
function look(state: BarrierState, id: CallId, as: As): Meeting {
  const { arrived, acting, failed } = state;
  if (failed.includes(id)) {
    const others = failed.filter((other) => other !== id);
    return as({ ...state, failed: others }, { is: 'broken', why: state.broken });
  }
  const place = arrived.indexOf(id);
  if (place < 0) return as(state, { is: 'passed', place });
  return as(state, { is: acting === id ? 'acts' : 'waiting', place });
}

function differs({ parties }: BarrierState): BarrierReply {
  return { is: 'differs', parties };
}

function arrive(state: BarrierState, { call, acts, again }: BarrierCall & { op: 'arrive' }, as: As): Meeting {
  const { arrived, parties, broken: why } = state;
  const known = arrived.indexOf(call);
  if (known >= 0) return as(state, { is: state.acting === call ? 'acts' : 'waiting', place: known });
  if (why !== '') return as(state, { is: 'broken', why });
  // The round is full, and its action runs: come again when it is over.
  const early = state.early.filter((id) => id !== again);
  if (state.acting !== '') {
    return as({ ...state, early: [...early, call] }, { is: 'waiting', place: -1 });
  }
  const all = [...arrived, call];
  const place = arrived.length;
  if (all.length < parties) return as({ ...state, arrived: all }, { is: 'waiting', place });
  if (acts) return as({ ...state, arrived: all, acting: call }, { is: 'acts', place });
  return as({ ...state, arrived: [] }, { is: 'passed', place }, ringsTo(arrived));
}

function broken(state: BarrierState, why: string): BarrierState {
  const failed = [...state.failed, ...state.arrived];
  return {
    ...state,
    arrived: [],
    acting: '',
    early: [],
    failed,
    broken: state.broken === '' ? why : state.broken,
  };
}

/** Breaks the barrier if a party has died in the present round. */
function bury(state: BarrierState, facts: Facts): { state: BarrierState; rings: Meeting['rings'] } {
  if (facts.dead.size === 0) return { state, rings: [] };
  const failed = state.failed.filter((id) => !isDead(id, facts));
  const early = state.early.filter((id) => !isDead(id, facts));
  const lost = state.arrived.some((id) => isDead(id, facts));
  const same = failed.length === state.failed.length && early.length === state.early.length;
  if (!lost) return { state: same ? state : { ...state, early, failed }, rings: [] };
  const dead = state.arrived.find((id) => isDead(id, facts))!;
  const next = broken({ ...state, failed }, `session ${sessionOf(dead)}${DIED}`);
  const alive = next.failed.filter((id) => !isDead(id, facts));
  return { state: { ...next, failed: alive }, rings: ringsTo([...alive, ...early]) };
}
