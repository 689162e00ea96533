/**
 * Blocking: how a thread sleeps, and what it does for others meanwhile.
 *
 * A blocked thread can't run its event loop, so rings meant for its awaiting calls would be spent on it: before it sleeps it
 * says so in its slot (BLOCKED_ON) and hands on the rings that came already. It sleeps in slices; after each it looks
 * whether agents have died. Waking from a slice is the only thing a sleeper does by the clock.
 */

import { load, store } from '#atomics';
import { MOST_SPINS, now, park } from '#park';
import type { Deadline } from '../deadline.ts';
import { AGENT_PARK, AGENT_PID, AGENT_SLEEPING, agentWord } from '../memory/layout.ts';
import type { Agent } from './agent.ts';
import { agentsOfThread } from './agent.ts';
import type { Cell } from './cell.ts';
import { FAIRNESS_AFTER } from './cell.ts';
import { reapIfDead, sweepIfDue, sweepPeriod } from './reaper.ts';
import type { Wait } from './wait.ts';
import { PRESSURE } from './wait.ts';

/** Milliseconds of the first sleep, after which the holder is checked for life. */
const FIRST_SLICE = 4;
/** Milliseconds between looks at this process's own children, while it is blocked and gets no exit event. */
const CHILDREN_SLICE = 20;
/** Least looks at an object before sleeping, so that a change of fortune is noticed. */
const LEAST_SPINS = 100;

const children = new Map<number, number>();

/** Says that this process has a child of Lockstep's: while blocked, it looks more often whether that has died. */
export function noteChild(pid: number): void {
  children.set(pid, (children.get(pid) ?? 0) + 1);
}

export function forgetChild(pid: number): void {
  children.delete(pid);
}

/**
 * Looks at the object for a bounded time, in the hope that its holder runs on another core and is about to let go. Returns
 * whether `peek` said so. The bound adapts: towards twice what helped, down when it does not help; 0 on a single core.
 */
export function spin(cell: Cell, wait: Wait): boolean {
  const limit = Math.min(MOST_SPINS, Math.max(LEAST_SPINS, cell.spins));
  for (let looks = 0; looks < limit; looks++) {
    if (!wait.peek()) continue;
    cell.spins += (looks * 2 + LEAST_SPINS - cell.spins) >> 3;
    return true;
  }
  cell.spins -= cell.spins >> 3;
  return false;
}

/**
 * Sleeps until `wait` has what it waits for, with the entry filled by `enter(BLOCKING_BIT)`. *Blocks*. Returns `false` when
 * the time has passed; then the caller leaves the entry and calls `wait.abandon()`.
 */
export function block(cell: Cell, wait: Wait, deadline: Deadline): boolean {
  if (wait.attempt(PRESSURE.NONE)) return true;
  const { agent } = cell;
  const since = now();
  let impatient = false;
  let slice = FIRST_SLICE;
  const sleep = (milliseconds: number): boolean => {
    const seen = load(agent.words, agent.base + AGENT_PARK);
    const long = now() - since > FAIRNESS_AFTER;
    if (wait.attempt(impatient ? PRESSURE.IMPATIENT : long ? PRESSURE.FAIR : PRESSURE.NONE)) return true;
    const outcome = sleepOnce(agent, seen, Math.min(milliseconds, slice));
    if (outcome !== 'timeout') return false;
    impatient = slice !== FIRST_SLICE;
    if (!impatient) reapIfDead(agent, wait.suspect());
    slice = Number.POSITIVE_INFINITY;
    return false;
  };
  if (blockThread(sleep, deadline, agent, cell.number)) return true;
  sweepIfDue(agent);
  return wait.attempt(PRESSURE.NONE);
}

/**
 * Blocks this thread: calls `sleep(milliseconds)` again and again until it returns `true` (what it waits for has come) or the
 * deadline passes, then returns whether it came. Between the calls it looks after agents that have died.
 */
export function blockThread(
  sleep: (milliseconds: number) => boolean,
  deadline: Deadline,
  agent?: Agent,
  cell = -1,
): boolean {
  const agents = [...agentsOfThread()];
  for (const each of agents) each.blockedOn = each === agent ? cell : -1;
  try {
    for (const each of agents) each.passRings();
    const slice = sliceFor(agents);
    let looked = now();
    for (;;) {
      if (sleep(Math.min(deadline.remaining, slice))) return true;
      if (deadline.expired) return false;
      if (now() - looked < slice) continue;
      looked = now();
      for (const each of agents) lookAround(each);
    }
  } finally {
    for (const each of agents) {
      each.blockedOn = 0;
      each.resume();
    }
  }
}

function sleepOnce(agent: Agent, seen: number, milliseconds: number): 'woken' | 'timeout' | 'changed' {
  const { words, base, namespace } = agent;
  store(words, base + AGENT_SLEEPING, 1);
  // PUBLISH sleeping -> park: a waker that does not see it has counted PARK up before, and the futex sees that.
  const outcome = park(namespace.control, base + AGENT_PARK, seen, milliseconds);
  store(words, base + AGENT_SLEEPING, 0);
  return outcome;
}

function sliceFor(agents: Agent[]): number {
  if (children.size > 0) return CHILDREN_SLICE;
  let slice = Number.POSITIVE_INFINITY;
  for (const { namespace } of agents) slice = Math.min(slice, sweepPeriod(namespace));
  return slice;
}

function lookAround(agent: Agent): void {
  sweepIfDue(agent);
  if (children.size === 0) return;
  const { namespace, words } = agent;
  for (let slot = 1, high = namespace.highSlot; slot <= high; slot++) {
    if (children.has(load(words, agentWord(slot) + AGENT_PID))) reapIfDead(agent, slot);
  }
}
