/**
 * Blocking: how a thread waits until it is served.
 *
 * A blocked thread can't run its event loop, so rings meant for its awaiting calls would be spent
 * on it. Before it sleeps, it says so in its slot (BLOCKED_ON) and hands on the rings that came
 * already.
 *
 * For its first milliseconds the thread sleeps lightly. Then it checks whether the holder lives,
 * and sleeps deeply (deep-sleep.ts). When it was woken up and has to go on waiting, it starts
 * again. Twice a second it looks around (looking-around.ts). It then finds what was lost with an
 * agent that it could not watch, an object that was left alone, and the removal of its folder.
 */

import { load, note } from '#atomics';
import { commonTime, now } from '#park';
import { lookForAbort } from '../aborts.ts';
import { FAIRNESS_AFTER } from '../agents/awaiting-calls.ts';
import type { Cell, Host } from '../agents/cell.ts';
import { SLOW_PERIOD } from '../agents/lookout.ts';
import { agentsOfThread } from '../agents/membership.ts';
import { freeOfNobody, lookAfter, sweepIfDue, sweepPeriod, unlessShort } from '../agents/reaper.ts';
import type { Wait } from '../agents/wait.ts';
import { PRESSURE } from '../agents/wait.ts';
import { requestBegins } from '../channels.ts';
import type { Deadline } from '../deadline.ts';
import {
  AGENT_JOINS,
  AGENT_PARK,
  AGENT_SINCE,
  BLOCKING_BIT,
  ELSEWHERE,
  ELSEWHERE_TIMED,
  TIME_MASK,
} from '../memory/layout.ts';
import { keepsAny } from '../objects/keeping.ts';
import { sleep } from '../sleep.ts';
import type { SleepOutcome } from './deep-sleep.ts';
import { DeepSleep, sleepLightly } from './deep-sleep.ts';
import { CHILDREN_SLICE, lookAround } from './looking-around.ts';

/**
 * Milliseconds of the first sleep, after which the holder is checked for life. Also milliseconds
 * between polls for events that wake no thread, such as the abort of a task.
 */
const SHORT_SLICE = 4;

/**
 * Sleeps until `wait` has what it waits for, with the entry filled by `enter(BLOCKING_BIT)`.
 * *Blocks*. Returns `false` when the time has passed; then the caller leaves the entry and calls
 * `wait.abandon()`. Throws what `wait.check()` finds.
 */
export function block(cell: Cell, wait: Wait, deadline: Deadline): boolean {
  if (wait.attempt(PRESSURE.NONE)) return true;
  const request = requestBegins(() => cell.about(), wait.shared === true ? 'shared' : 'exclusive', true);
  if (request === undefined) return sleepUntilServed(cell, wait, deadline);
  try {
    const served = sleepUntilServed(cell, wait, deadline);
    request.over(served);
    return served;
  } catch (error) {
    request.failed(error);
    throw error;
  }
}

function sleepUntilServed(cell: Cell, wait: Wait, deadline: Deadline): boolean {
  const { agent } = cell;
  const since = now();
  let deep: DeepSleep | undefined;
  const looksForAbort = lookForAbort(deadline.signal);
  let quietSince = since;
  cell.timeBlocked(deadline);
  beginBlocking(agent, cell.number, elsewhere(deadline));
  try {
    for (let slept = false; ; slept = true) {
      const seen = load(agent.words, agent.base + AGENT_PARK);
      if (wait.attempt(PRESSURE.NONE)) return true;
      const time = slept ? now() : since;
      if (time - since > FAIRNESS_AFTER && wait.attempt(PRESSURE.FAIR)) return true;
      if (time >= deadline.at) break;
      if (looksForAbort) refuseIfAborted(deadline);
      if (!slept) refuseIf(wait.check?.(0));
      const free = wait.peek();
      const left = deadline.at - time;
      if (deep === undefined) {
        if (sleepLightly(agent, seen, Math.min(SHORT_SLICE, left)) !== 'timeout') continue;
        unlessShort(() => lookAfter(agent, cell, wait.suspect()));
        deep = new DeepSleep(agent, [cell]);
      } else {
        const period = free ? sweepPeriod(agent.namespace) : SLOW_PERIOD;
        const slice = looksForAbort ? SHORT_SLICE : period;
        const outcome = deep.sleep(seen, slice, left, wait.suspect());
        if (outcome === 'woken') deep = undefined;
        if (outcome !== 'timeout') {
          quietSince = time;
          continue;
        }
        if (looksForAbort && time - quietSince < period) continue;
        quietSince = time;
        // No wake-up came for a whole slice: take an object that was free all the time.
        if (free && wait.attempt(PRESSURE.IMPATIENT)) return true;
        unlessShort(() => freeOfNobody(agent, cell, wait.suspect()));
      }
      lookAround();
      agent.namespace.checkThere();
      refuseIf(wait.check?.(0));
    }
  } finally {
    endBlocking();
  }
  unlessShort(() => sweepIfDue(agent));
  if (wait.attempt(PRESSURE.NONE)) return true;
  agent.namespace.checkThere();
  return false;
}

/**
 * Sleeps until one of the waits is served; each is for another object. *Blocks*. Returns `false`
 * when the time has passed. A thread can sleep in one namespace only, so it polls objects of
 * several namespaces every millisecond. If there is an `otherwise`, it polls that every few
 * milliseconds.
 */
export function blockOnAny(
  waits: readonly { cell: Cell; wait: Wait }[],
  deadline: Deadline,
  otherwise?: () => boolean,
): boolean {
  const agents = new Set(waits.map(({ cell }) => cell.agent));
  const [agent] = agents.size > 0 ? agents : agentsOfThread();
  const served = (): boolean =>
    waits.some(({ wait }) => wait.attempt(PRESSURE.NONE)) || otherwise?.() === true;
  let entered = 0;
  try {
    for (const { cell } of waits) {
      cell.enter(BLOCKING_BIT, cell.drawTicket());
      entered++;
      cell.timeBlocked(deadline);
    }
    beginBlocking(undefined, 0, otherwise === undefined ? elsewhere(deadline) : ELSEWHERE_TIMED);
    const looksForAbort = lookForAbort(deadline.signal);
    const shortest = agents.size > 1 ? 1 : otherwise || looksForAbort ? SHORT_SLICE : SLOW_PERIOD;
    let deep: DeepSleep | undefined;
    for (;;) {
      const seen = agent === undefined ? 0 : load(agent.words, agent.base + AGENT_PARK);
      if (served()) return true;
      if (looksForAbort) refuseIfAborted(deadline);
      if (deadline.expired) return false;
      const left = deadline.remaining;
      let outcome: SleepOutcome = 'timeout';
      if (agent === undefined) sleep(Math.min(shortest, left));
      else if (deep !== undefined) outcome = deep.sleep(seen, shortest, left, 0);
      else outcome = sleepLightly(agent, seen, Math.min(shortest, SHORT_SLICE, left));
      if (outcome === 'woken') deep = undefined;
      if (outcome !== 'timeout') continue;
      if (agents.size === 1)
        deep ??= new DeepSleep(
          agent!,
          waits.map(({ cell }) => cell),
        );
      lookAround();
      for (const each of agents) each.namespace.checkThere();
    }
  } finally {
    endBlocking();
    // If there was no room for an entry, that wait and those after it were not entered.
    for (const { cell, wait } of waits.slice(0, entered)) {
      cell.leave(BLOCKING_BIT);
      wait.taken();
    }
  }
}

/**
 * Blocks this thread for another event than that of an object. Calls `sleep(milliseconds)` until it
 * returns `true`, because the event has come, or the deadline passes. Returns whether the event
 * came. Between the calls the thread looks around.
 *
 * @param joins whose end it waits for: a process id, or minus the `threadId` of a thread of this
 *   process; 0 something else
 */
export function blockThread(
  sleep: (milliseconds: number) => boolean,
  deadline: Deadline,
  joins = 0,
): boolean {
  beginBlocking(undefined, 0, elsewhere(deadline), joins);
  try {
    let looked = now();
    const looksForAbort = lookForAbort(deadline.signal);
    for (;;) {
      const slice = keepsAny() ? CHILDREN_SLICE : SLOW_PERIOD;
      if (sleep(Math.min(deadline.remaining, looksForAbort ? SHORT_SLICE : slice))) return true;
      if (looksForAbort) refuseIfAborted(deadline);
      if (deadline.expired) return false;
      if (now() - looked < slice) continue;
      looked = now();
      lookAround();
    }
  } finally {
    endBlocking();
  }
}

function elsewhere(deadline: Deadline): number {
  return deadline.timed ? ELSEWHERE_TIMED : ELSEWHERE;
}

/**
 * Writes into the slots of this thread's agents that it is blocked: for the cell in one of them,
 * and `otherwise` in the others. Hands on the rings that came for its awaiting calls.
 */
function beginBlocking(agent: Host | undefined, cell: number, otherwise: number, joins = 0): void {
  const agents = agentsOfThread();
  for (const each of agents) {
    if (each !== agent) {
      note(each.words, each.base + AGENT_SINCE, commonTime() & TIME_MASK);
      note(each.words, each.base + AGENT_JOINS, joins);
    }
    each.blockedOn = each === agent ? cell : otherwise;
  }
  for (const each of agents) {
    for (const act of each.beforeBlocking) act();
    each.passRings();
  }
}

function endBlocking(): void {
  for (const each of agentsOfThread()) {
    each.blockedOn = 0;
    each.resume();
  }
}

/** Throws the reason of a signal whose abort is a word of shared memory. */
function refuseIfAborted(deadline: Deadline): void {
  lookForAbort(deadline.signal);
  deadline.throwIfAborted();
}

function refuseIf(error: Error | undefined): void {
  if (error !== undefined) throw error;
}
