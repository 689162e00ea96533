/**
 * Blocking: the sleep of a thread, and its duties to others meanwhile.
 *
 * A blocked thread can't run its event loop, so rings meant for its awaiting calls would be spent
 * on it. Before it sleeps, it says so in its slot (BLOCKED_ON) and hands on the rings that came
 * already.
 *
 * For its first milliseconds it sleeps in the futex, from which it is woken fastest. Then it looks
 * whether the holder lives, and sleeps in its berth (berth.ts), where the deaths of all for whom it
 * waits wake it (vigil.ts). When it was woken and has to go on waiting, it starts again. Twice a
 * second it looks around: for what was lost with whom it could not watch, for an object that was
 * left alone, for its folder.
 */

import { load, note, store } from '#atomics';
import { commonTime, MOST_SPINS, now, park } from '#park';
import { lookForAbort } from '../aborts.ts';
import { agentsOfThread } from '../agents/agent.ts';
import type { Cell, Host } from '../agents/cell.ts';
import { FAIRNESS_AFTER } from '../agents/cell.ts';
import { SLOW_PERIOD } from '../agents/lookout.ts';
import {
  freeOfNobody,
  lookAfter,
  reapIfDead,
  stateOf,
  sweepIfDue,
  sweepPeriod,
  unlessShort,
} from '../agents/reaper.ts';
import { DOUBT_INTERVAL, Doubts, openersOf, ringInstead } from '../agents/vigil.ts';
import type { Wait } from '../agents/wait.ts';
import { PRESSURE } from '../agents/wait.ts';
import { requestBegins } from '../channels.ts';
import type { Deadline } from '../deadline.ts';
import {
  AGENT_JOINS,
  AGENT_PARK,
  AGENT_PID,
  AGENT_SINCE,
  AGENT_SLEEPING,
  agentWord,
  BLOCKING_BIT,
  DEEPLY,
  ELSEWHERE,
  ELSEWHERE_TIMED,
  LIGHTLY,
  TIME_MASK,
} from '../memory/layout.ts';
import { keepsAny, lookAtKept } from '../objects/keeping.ts';
import { sleep } from '../sleep.ts';

/** Milliseconds of the first sleep, after which the holder is checked for life. */
const FIRST_SLICE = 4;
/**
 * Milliseconds between looks at what is kept for children, and at children who can't be watched: a
 * blocked process gets no exit event.
 */
const CHILDREN_SLICE = 20;
/** Milliseconds between looks for events that wake no thread, such as the abort of a task. */
const LOOKING_SLICE = 4;
/** Number of polls before sleeping, after earlier polls were fruitless. */
const LEAST_SPINS = 20;
/** Every so many waits it polls for longer, so that a change is noticed. */
const PROBE_EVERY = 32;
/**
 * Looks of such a probe, and of the first waits: some 10 us, ten times what two spinning partners
 * need.
 */
const PROBE_SPINS = 1000;

/**
 * Steps between looks at an object that is left alone for moments, at most; and how many pauses
 * there are.
 */
const LONGEST_PAUSE = 8000;
const MOST_PAUSES = 6;

/** Keeps the compiler from leaving `idle` out. */
let idled = 0;
const children = new Map<number, number>();

/**
 * Says that this process has a child of Lockstep's: while blocked, it looks more often whether that
 * has died.
 */
export function noteChild(pid: number): void {
  children.set(pid, (children.get(pid) ?? 0) + 1);
}

export function forgetChild(pid: number): void {
  children.delete(pid);
}

/**
 * Looks at the object for a bounded time, in the hope that its holder runs on another core and is
 * about to let go. Returns whether `peek` said so. The bound adapts: twice what helped, halved when
 * it was fruitless; 0 on a single core.
 */
export function spin(cell: Cell, wait: Wait): boolean {
  if (wait.backsOff) return MOST_SPINS > 0 && spinApart(cell, wait, wait.backsOff);
  // Poll for as long as it helped before; every so often probe for longer.
  const limit = Math.min(
    MOST_SPINS,
    cell.vainSpins % PROBE_EVERY === 0 ? Math.max(PROBE_SPINS, cell.spins) : cell.spins,
  );
  for (let looks = 0; looks < limit; looks++) {
    if (!wait.peek()) continue;
    // Success: allow twice as many polls as it took.
    cell.spins = Math.max(looks * 2 + LEAST_SPINS, cell.spins - (cell.spins >> 3));
    cell.vainSpins = 0;
    return true;
  }
  // Failure: poll half as long next time.
  cell.spins = Math.max(LEAST_SPINS, cell.spins >> 1);
  cell.vainSpins++;
  return false;
}

/**
 * The same for objects that are held only briefly, in turns: polls with exponentially growing
 * pauses, because each poll steals the cache line from the holder. Each look takes the object's
 * cache line away from its holder; left alone, that goes through many short holdings at full speed.
 */
function spinApart(cell: Cell, wait: Wait, first: number): boolean {
  let pause = first;
  // The shift repeats after 32: now and then it looks for longer again.
  for (let looks = Math.max(1, MOST_PAUSES >> cell.vainSpins); looks > 0; looks--) {
    idle(pause);
    if (wait.peek()) {
      cell.vainSpins = 0;
      return true;
    }
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
  cell.vainSpins++;
  return false;
}

/** Spends about `steps` nanoseconds without touching shared memory. */
export function idle(steps: number): void {
  for (let step = 0; step < steps; step++) idled = (idled + step) | 0;
}

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
        if (sleepLightly(agent, seen, Math.min(FIRST_SLICE, left)) !== 'timeout') continue;
        unlessShort(() => lookAfter(agent, cell, wait.suspect()));
        deep = new DeepSleep(agent, [cell]);
      } else {
        const period = free ? sweepPeriod(agent.namespace) : SLOW_PERIOD;
        const slice = looksForAbort ? LOOKING_SLICE : period;
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
 * Sleeps until one of the waits has what it waits for, of as many objects. *Blocks*. Returns
 * `false` when the time has passed. Where the objects are of several namespaces, it looks at them
 * every millisecond, as a thread can sleep in one namespace only. It looks every few milliseconds
 * where it has to look `otherwise`.
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
    const shortest = agents.size > 1 ? 1 : otherwise || looksForAbort ? LOOKING_SLICE : SLOW_PERIOD;
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
      else outcome = sleepLightly(agent, seen, Math.min(shortest, FIRST_SLICE, left));
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
    // One for which there was no entry to be had was not entered, nor were those after it.
    for (const { cell, wait } of waits.slice(0, entered)) {
      cell.leave(BLOCKING_BIT);
      wait.taken();
    }
  }
}

/**
 * Blocks this thread for something else than an object. Calls `sleep(milliseconds)` again and
 * again until it returns `true` (what it waits for has come) or the deadline passes, then returns
 * whether it came. Between the calls it looks after agents that have died.
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
      if (sleep(Math.min(deadline.remaining, looksForAbort ? LOOKING_SLICE : slice))) return true;
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
 * Says in the slots of this thread's agents that it is blocked: one of them for the cell, the
 * others `otherwise`. Hands on the rings that came for its awaiting calls.
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
  for (const each of agents) each.passRings();
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

type SleepOutcome = 'woken' | 'timeout' | 'changed' | 'sign';

function sleepLightly(agent: Host, seen: number, milliseconds: number): SleepOutcome {
  const { words, base, namespace } = agent;
  store(words, base + AGENT_SLEEPING, LIGHTLY);
  // PUBLISH sleeping -> park: a waker that does not see it has counted PARK up before, and the
  // futex sees that.
  const outcome = park(namespace.control, base + AGENT_PARK, seen, milliseconds);
  store(words, base + AGENT_SLEEPING, 0);
  return outcome;
}

/** The sleep of a thread in its berth, for objects that others have open. */
class DeepSleep {
  private readonly agent: Host;
  private readonly cells: readonly Cell[];
  private readonly doubts: Doubts;

  constructor(agent: Host, cells: readonly Cell[]) {
    this.agent = agent;
    this.cells = cells;
    this.doubts = new Doubts(agent);
  }

  /**
   * Sleeps for at most `milliseconds`, and no longer than `left`. `sign`: an agent that it waits
   * for has died, or may have; or a watched agent could not ring another. *Blocks*.
   */
  sleep(seen: number, milliseconds: number, left: number, suspect: number): SleepOutcome {
    const { agent, doubts } = this;
    const { words, base, namespace, berth } = agent;
    if (doubts.settle()) return 'sign';
    const slots = openersOf(namespace, this.cells, agent.slot);
    if (suspect !== 0 && suspect !== agent.slot && namespace.isTaken(suspect)) slots.add(suspect);
    for (const slot of slots) if (doubts.has(slot)) slots.delete(slot);
    const prepared = berth.prepare(slots);
    let slice = milliseconds;
    if (keepsAny() || (children.size > 0 && prepared?.complete !== true))
      slice = Math.min(slice, CHILDREN_SLICE);
    if (prepared === undefined) return sleepLightly(agent, seen, Math.min(slice, left));
    for (const slot of prepared.fresh) if (reapIfDead(agent, slot)) return 'sign';
    for (const slot of prepared.ended) doubts.add(slot, stateOf(namespace, slot));
    if (prepared.ended.length > 0) return 'sign';
    if (doubts.pressing) slice = DOUBT_INTERVAL;
    store(words, base + AGENT_SLEEPING, DEEPLY);
    // PUBLISH sleeping -> park: a waker that does not see it has counted PARK up before this looks.
    if (load(words, base + AGENT_PARK) !== seen) {
      store(words, base + AGENT_SLEEPING, 0);
      return 'changed';
    }
    const { outcome, ended, shouted } = berth.sleep(Math.min(slice, left));
    store(words, base + AGENT_SLEEPING, 0);
    for (const slot of ended) {
      doubts.add(slot, stateOf(namespace, slot));
      berth.forget(slot);
    }
    if (shouted) ringInstead(agent);
    if (ended.length > 0 || shouted) return 'sign';
    // Its object may stay unchanged while an agent's end is still unsettled.
    if (outcome === 'timeout') return slice < milliseconds && doubts.pressing ? 'sign' : 'timeout';
    return 'woken';
  }
}

function lookAround(): void {
  lookAtKept();
  for (const agent of agentsOfThread()) {
    agent.tellWhereIfAsked(true);
    agent.namespace.keepYoung();
    unlessShort(() => sweepIfDue(agent));
    if (children.size > 0) unlessShort(() => lookAfterChildren(agent));
  }
}

function lookAfterChildren(agent: Host): void {
  const { namespace, words } = agent;
  for (let slot = 1, high = namespace.highSlot; slot <= high; slot++) {
    if (children.has(load(words, agentWord(slot) + AGENT_PID))) reapIfDead(agent, slot);
  }
}
