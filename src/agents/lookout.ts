/**
 * Lookout: notices events that nobody rings for, on behalf of a thread's awaiting calls. These are
 * a death, the removal of the folder, and a wait that would never end.
 *
 *   at once        once a call has lasted for some milliseconds, it watches the lives of the agents
 *                  that it waits for (vigil.ts), and the folder
 *   after a turn   when the event loop has run anything, the calls poll again, an interval later.
 *                  Only code that runs can make this thread one that only awaits (alone.ts)
 *   slowly         while an agent can't be watched. Also by the waiters behind the first in a
 *                  queue, because the first may be suspended
 *
 * So a thread that awaits the one thing that it needs has no timer. All timers here keep nothing
 * running: the bell does.
 *
 * Nothing is thrown from here, because nobody could catch it. A look that fails for lack of
 * descriptors or memory is repeated, slowly. A removed folder ends all waits.
 */

import { clearInterval, clearTimeout, setInterval, setTimeout } from '#clock';
import { afterTurn, resourcesInUse, soon } from '#park';
import { EVERYTHING } from '../namespaces/doorbell.ts';
import type { Watch } from '../namespaces/life.ts';
import { isShortage } from '../platform/descriptors.ts';
import type { Cell, Host } from './cell.ts';
import { reapIfDead, stateOf, sweepIfDue, sweepPeriod } from './reaper.ts';
import { DOUBT_INTERVAL, Doubts, openersOf, ringInstead } from './vigil.ts';

/** Milliseconds after which a call counts as lasting. */
const LASTS_AFTER = 5;
/** Milliseconds between looks at agents that can't be watched. */
export const SLOW_PERIOD = 500;
/** The same where only the folder can't be watched. */
const FOLDER_PERIOD = 5000;

export class Lookout {
  private readonly agent: Host;
  private timer: NodeJS.Timeout | undefined;
  private period = 0;
  private watchingSoon = false;
  private readonly watches = new Map<number, { state: number; watch: Watch }>();
  private folderWatch: Watch | undefined;
  private readonly doubts: Doubts;
  private doubtTimer: NodeJS.Timeout | undefined;
  /** Whether an agent that should be watched can't be. */
  private incomplete = false;
  /** Whether the last look was cut short. */
  private failed = false;
  /** Whether a look has shown that another one is needed soon. */
  private again = false;
  private hooked = false;
  /** The handles that kept the event loop running at the look that this turn began with. */
  private picture: string | undefined;
  private warned = false;

  constructor(agent: Host) {
    this.agent = agent;
    this.doubts = new Doubts(agent);
  }

  /** A call has begun to await. */
  begin(): void {
    this.lookAgain();
    this.watchSoon();
    this.hook();
  }

  /** Something may have changed, or could not be determined: polls again after an interval. */
  lookAgain(): void {
    this.again = true;
    const period = sweepPeriod(this.agent.namespace);
    if (this.timer === undefined || this.period > period) this.lookIn(period);
  }

  close(): void {
    clearInterval(this.timer);
    clearTimeout(this.doubtTimer);
    this.timer = undefined;
    this.folderWatch?.close();
    this.folderWatch = undefined;
    for (const { watch } of this.watches.values()) watch.close();
    this.watches.clear();
    this.doubts.clear();
  }

  private watchSoon(): void {
    if (this.watchingSoon) return;
    this.watchingSoon = true;
    soon(() => this.watchIfLasting(), LASTS_AFTER);
  }

  private lookIn(period: number): void {
    clearInterval(this.timer);
    this.period = period;
    this.timer = setInterval(() => this.look(), period);
    this.timer.unref();
  }

  private hook(): void {
    if (this.hooked) return;
    this.hooked = true;
    afterTurn(() => {
      this.hooked = false;
      const { agent, picture } = this;
      if (agent.awaitingCalls === 0 || agent.hasLeft) return;
      this.picture = undefined;
      this.hook();
      // After a turn in which it has only looked, look again only if something else has run.
      if (picture === undefined || picture !== resourcesInUse().join()) this.lookAgain();
    });
  }

  private look(): void {
    const { agent } = this;
    if (agent.awaitingCalls === 0) {
      this.close();
      return;
    }
    this.picture = resourcesInUse().join();
    this.failed = false;
    this.again = false;
    this.safely(() => {
      // Check before anything is served or refused: until then no code of this thread is about to
      // continue.
      for (const cell of agent.cells.values()) if (cell.check()) break;
      agent.namespace.checkThere();
      sweepIfDue(agent);
      for (const cell of [...agent.cells.values()]) cell.dispatch(true);
      if (this.watches.size > 0 || this.incomplete) this.watchAll();
    });
    const next = this.nextPeriod();
    if (next === this.period) return;
    if (next !== undefined) this.lookIn(next);
    else {
      clearInterval(this.timer);
      this.timer = undefined;
    }
  }

  /** Milliseconds until the next look that is needed whatever happens; `undefined` none. */
  private nextPeriod(): number | undefined {
    // Something is in doubt: poll soon.
    if (this.again) return sweepPeriod(this.agent.namespace);
    let slow = this.incomplete || this.failed;
    for (const cell of this.agent.cells.values()) {
      if (!cell.hasFlows) continue;
      // A cell whose waiter may be passed over is polled soon; a waiter behind others, slowly.
      if (cell.isRestless) return sweepPeriod(this.agent.namespace);
      slow ||= !cell.isFirst;
    }
    // Otherwise only the folder may need polling.
    if (slow) return SLOW_PERIOD;
    return this.folderWatch === undefined ? FOLDER_PERIOD : undefined;
  }

  private watchIfLasting(): void {
    this.watchingSoon = false;
    const { agent } = this;
    if (agent.awaitingCalls === 0 || agent.hasLeft) return;
    // Short waits need no watch: ask again later.
    if (![...agent.cells.values()].some((cell) => cell.hasLasted(LASTS_AFTER))) {
      this.watchSoon();
      return;
    }
    this.safely(() => {
      agent.namespace.checkThere();
      this.watchAll();
    });
  }

  private watchAll(): void {
    const { agent, watches, doubts } = this;
    const { namespace } = agent;
    const cells: Cell[] = [...agent.cells.values()].filter((cell) => cell.hasFlows);
    const wanted = openersOf(namespace, cells, agent.slot);
    for (const cell of cells) {
      const suspect = cell.suspect();
      if (suspect !== 0 && suspect !== agent.slot && namespace.isTaken(suspect)) wanted.add(suspect);
    }
    for (const slot of [...watches.keys()]) if (!wanted.has(slot)) this.forget(slot);
    this.incomplete = false;
    for (const slot of wanted) {
      const state = stateOf(namespace, slot);
      if (watches.get(slot)?.state === state) continue;
      this.forget(slot);
      const watch = doubts.has(slot)
        ? undefined
        : namespace.watchLife(slot, (ended) => this.sign(slot, state, ended));
      if (watch === undefined) this.incomplete = true;
      else watches.set(slot, { state, watch });
      // It may have ended before it was watched.
      reapIfDead(agent, slot);
    }
    this.folderWatch ??= namespace.watchFolder(() => this.safely(() => namespace.checkThere()));
  }

  private forget(slot: number): void {
    this.watches.get(slot)?.watch.close();
    this.watches.delete(slot);
  }

  private sign(slot: number, state: number, ended: boolean): void {
    this.safely(() => {
      if (ended) {
        // Its FIFO has ended: check its lock until it is certainly dead.
        this.forget(slot);
        this.doubts.add(slot, state);
        this.settle();
      } else {
        // It could not deliver rings: deliver them in its place.
        ringInstead(this.agent);
        this.agent.answer(EVERYTHING);
      }
    });
  }

  /** Looks at the agents whose end was seen, now and until it is certain. */
  private settle(): void {
    if (this.doubts.settle()) this.agent.answer(EVERYTHING);
    if (!this.doubts.pressing || this.doubtTimer !== undefined) return;
    this.doubtTimer = setTimeout(() => {
      this.doubtTimer = undefined;
      this.safely(() => this.settle());
    }, DOUBT_INTERVAL);
    this.doubtTimer.unref();
  }

  private safely(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (this.agent.namespace.isRemoved) this.giveUp();
      else this.fail(error);
    }
  }

  /** The folder is gone: ends all waits. */
  private giveUp(): void {
    const { agent } = this;
    for (const cell of [...agent.cells.values()]) cell.rejectEach(() => agent.namespace.removed());
  }

  /** Leaves the look until the next. */
  private fail(error: unknown): void {
    this.failed = true;
    if (this.timer === undefined) this.lookIn(SLOW_PERIOD);
    if (this.warned || isShortage(error)) return;
    this.warned = true;
    process.emitWarning(error as Error);
  }
}
