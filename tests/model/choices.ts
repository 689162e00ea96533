/** Choices: the next steps that are open to a stopped actor, and how it continues. */

import { IMMEDIATE, INTERVAL, ringsHeard, TIMER } from './event-loop.ts';
import { AGENT_LIVE_BIT, AGENT_STATE, agentWord } from './internals.ts';
import { NAPPED, remember, TIMED_OUT } from './machine.ts';
import type { AnyScenario } from './scenario.ts';
import {
  ASLEEP,
  AWAITS_DEATH,
  actorWord,
  BELL,
  DEAD,
  DEATHS_LEFT,
  IDLE,
  IMMEDIATES,
  INTERVALS,
  MAX_ACTORS,
  NAPS_LEFT,
  placeOf,
  RESULT,
  RUNNING,
  SLEEPS_ON,
  SLOT_LOCK,
  STATUS,
  type State,
  TIMEOUTS_LEFT,
  TIMERS,
} from './state.ts';

/** Chosen in place of a result: the actor does its next operation. */
export const GO = -1;

export interface Choice {
  /** The result with which the operation returns that stopped the actor; or GO. */
  readonly result: number;
  /** Whether only the clock makes this happen: it must never be needed. */
  readonly byTime: boolean;
}

export const GOES_ON: Choice = { result: GO, byTime: false };
const GOING_ON: Choice[] = [GOES_ON];
const NONE: Choice[] = [];

export function choicesOf(state: State, actor: number, scenario: AnyScenario): Choice[] {
  const word = actorWord(actor);
  const timed = scenario.actors[actor]?.timed === true && state[TIMEOUTS_LEFT]! > 0;
  switch (state[word + STATUS]) {
    case RUNNING: {
      const result = state[word + RESULT]!;
      return result === 0 ? GOING_ON : [{ result: result - 1, byTime: false }];
    }
    case ASLEEP: {
      if (!timed && state[NAPS_LEFT] === 0) return NONE;
      const choices: Choice[] = [];
      if (timed) choices.push({ result: TIMED_OUT, byTime: true });
      if (state[NAPS_LEFT]! > 0) choices.push({ result: NAPPED, byTime: true });
      return choices;
    }
    case IDLE: {
      const choices: Choice[] = [];
      if (state[word + BELL]! > 1) choices.push({ result: ringsHeard(state, actor), byTime: false });
      if (state[word + IMMEDIATES]! > 0) choices.push({ result: IMMEDIATE, byTime: false });
      if (state[word + TIMERS]! > 0 && timed) choices.push({ result: TIMER, byTime: true });
      if (state[word + INTERVALS]! > 0 && state[NAPS_LEFT]! > 0)
        choices.push({ result: INTERVAL, byTime: true });
      return choices;
    }
    case AWAITS_DEATH: {
      const slot = unreaped(state);
      return slot === 0 ? NONE : [{ result: slot, byTime: false }];
    }
    default:
      return NONE;
  }
}

/** Makes the actor continue by the choice; adds its result to the log. */
export function choose(state: State, actor: number, { result, byTime }: Choice, log: number[]): void {
  if (result === GO) return;
  const word = actorWord(actor);
  if (byTime) {
    const spent = isTimeout(state[word + STATUS]!, result) ? TIMEOUTS_LEFT : NAPS_LEFT;
    state[spent] = state[spent]! - 1;
  }
  if (state[word + STATUS] === IDLE) {
    if (result === ringsHeard(state, actor)) state[word + BELL] = 1;
    state[word + IMMEDIATES] = 0;
    state[word + TIMERS] = 0;
    state[word + INTERVALS] = 0;
  }
  state[word + STATUS] = RUNNING;
  state[word + RESULT] = 0;
  state[word + SLEEPS_ON] = 0;
  log.push(result);
  remember(state, actor, result);
}

/** Whether the actor may die where it is. */
export function mayDie(state: State, actor: number, scenario: AnyScenario): boolean {
  if (state[DEATHS_LEFT] === 0 || state[actorWord(actor) + STATUS] === DEAD) return false;
  const spec = scenario.actors[actor];
  // A reaper may die over its work.
  return spec === undefined ? state[DEATHS_LEFT]! < scenario.deaths! : spec.mortal !== false;
}

function isTimeout(status: number, result: number): boolean {
  return status === ASLEEP ? result === TIMED_OUT : result === TIMER;
}

/** Slot of an actor that has died, and that nobody clears up after; 0 none. */
function unreaped(state: State): number {
  for (let actor = 0; actor < MAX_ACTORS; actor++) {
    const word = actorWord(actor);
    if (state[word + STATUS] === DEAD && state[word + SLOT_LOCK] === 0 && isUnreaped(state, actor))
      return actor + 1;
  }
  return 0;
}

function isUnreaped(state: State, actor: number): boolean {
  return (state[placeOf(agentWord(actor + 1) + AGENT_STATE)]! & AGENT_LIVE_BIT) !== 0;
}
