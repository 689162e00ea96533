/**
 * DeepSleep: the two sleeps of a blocked thread. The light sleep is in the futex, from which the
 * thread wakes up fastest. The deep sleep is in its berth (berth.ts), where the deaths of all for
 * whom it waits wake it up (vigil.ts).
 */

import { load, store } from '#atomics';
import { park } from '#park';
import type { Cell, Host } from '../agents/cell.ts';
import { reapIfDead, stateOf } from '../agents/reaper.ts';
import { DOUBT_INTERVAL, Doubts, openersOf, ringInstead } from '../agents/vigil.ts';
import { AGENT_PARK, AGENT_SLEEPING, DEEPLY, LIGHTLY } from '../memory/layout.ts';
import { CHILDREN_SLICE, needsLooks } from './looking-around.ts';

export type SleepOutcome = 'woken' | 'timeout' | 'changed' | 'sign';

export function sleepLightly(agent: Host, seen: number, milliseconds: number): SleepOutcome {
  const { words, base, namespace } = agent;
  store(words, base + AGENT_SLEEPING, LIGHTLY);
  // PUBLISH sleeping -> park: a waker that does not see it has counted PARK up before, and the
  // futex sees that.
  const outcome = park(namespace.control, base + AGENT_PARK, seen, milliseconds);
  store(words, base + AGENT_SLEEPING, 0);
  return outcome;
}

/** The sleep of a thread in its berth, for objects that others have open. */
export class DeepSleep {
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
    if (needsLooks(prepared?.complete === true)) slice = Math.min(slice, CHILDREN_SLICE);
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
