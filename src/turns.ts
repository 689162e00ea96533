/**
 * Turns: calls that are served at once leave the event loop its turns.
 *
 * A promise that is resolved already continues its caller before the event loop runs. So a consumer
 * whose producer is always ahead, or a loop around a free lock, would let no timer, signal or
 * request of its thread come in. Node's own streams get a turn with each chunk from outside; shared
 * memory gives none.
 *
 * So the awaiting calls that can be served at once are counted here. If they have gone on for
 * `LONGEST_RUN` without a turn of the loop, the next one waits for a turn, and so do all that come
 * before it; they keep their order.
 *
 *   takes a lock, an item    Takes nothing before the turn. So an abort finds nothing taken, and a
 *                            thread that blocks meanwhile does not wait for itself.
 *   puts, asks for a state   is done at once, and resolves after the turn
 *   has to wait              queues at once
 *   wakes up a call of the   that call is served in the turn
 *   same thread
 *
 * The common case is a counter and a comparison. The clock is read every so many calls, and the
 * loop's own count of its turns once in `LONGEST_RUN`.
 */

import { now, setImmediate, turnsOfLoop } from '#clock';
import { withResolvers } from './with-resolvers.ts';

/** Milliseconds for which calls are served at once before the event loop gets a turn. */
const LONGEST_RUN = 10;
/**
 * Calls that are served at once in any case: a program that has worked for long between two calls
 * has not been kept from the loop by them.
 */
const LEAST_CALLS = 16;
/** The most calls between two looks at the clock. */
const MOST_UNSEEN = 64;
/** Milliseconds between two looks that the number of calls between them is adapted to. */
const LOOK_EVERY = 1;

/** Calls between two looks at the clock, and those left until the next one. */
let stretch = 1;
let left = 1;
let lookedAt = 0;
/** When the present run began, its calls so far, and the turns of the loop at that time. */
let began = Number.NEGATIVE_INFINITY;
let calls = 0;
let turns = -1;
/** The turn that calls wait for. */
let turn: Promise<void> | undefined;

/** Counts one awaiting call; returns the turn that it has to wait for, if any. */
export function turnIfDue(): Promise<void> | undefined {
  return --left > 0 ? undefined : look();
}

/** The result of a call that is served at once, or a promise of it if a turn is due. */
export function servedAtOnce<Result>(result: Result): Result | Promise<Result> {
  const due = turnIfDue();
  return due === undefined ? result : due.then(() => result);
}

function look(): Promise<void> | undefined {
  // Later calls wait for the same turn.
  if (turn !== undefined) {
    left = 1;
    return turn;
  }
  const time = now();
  calls += stretch;
  adapt(time - lookedAt);
  lookedAt = time;
  left = stretch;
  if (time - began < LONGEST_RUN || calls < LEAST_CALLS) return undefined;
  // Begin another run if the loop has turned in this one.
  const turned = turnsOfLoop();
  if (turned !== turns) {
    begin(time, turned);
    return undefined;
  }
  left = 1;
  const { promise, resolve } = withResolvers<void>();
  turn = promise;
  setImmediate(() => {
    turn = undefined;
    begin(now(), turnsOfLoop());
    left = stretch;
    resolve();
  });
  return promise;
}

function begin(time: number, turned: number): void {
  began = time;
  calls = 0;
  turns = turned;
}

/** Slow calls are looked at more often. */
function adapt(took: number): void {
  if (took < LOOK_EVERY) stretch = Math.min(stretch * 2, MOST_UNSEEN);
  else stretch = Math.max(1, Math.floor((stretch * LOOK_EVERY) / took));
}
