/**
 * Event: a flag that many wait for.
 *
 *   word   name     bits                         written by
 *   +0     STATE    30…1 generation | 0 SET      anyone, CAS only
 *   +1     TICKETS  counter                      waiters
 *
 * `set` raises the flag and the generation in one CAS, then wakes all whose entries it finds. A
 * waiter remembers the generation at entry and is free when the flag is up or the generation has
 * moved. So `set` followed immediately by `clear` frees all waiters, even those that have not run
 * yet.
 *
 * Race: W reads the flag down (W1). S sets it and finds no entry (S1, S2). W fills its entry (W2)
 * and looks again (W3) before it sleeps. W3 comes after S1, as W2 came after S2.
 */

import { cas, load } from '#atomics';
import type { Cell } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import { countWaiting, wakeAll } from '../agents/waiters.ts';
import type { ObjectOptions } from '../contracts.ts';
import type { WaitOptions } from '../deadline.ts';
import { Deadline } from '../deadline.ts';
import { CELL_STATE } from '../memory/layout.ts';
import { openHandle } from '../objects/handles.ts';
import { obtain } from '../objects/obtain.ts';
import { Opened } from '../objects/opened.ts';
import type { Description } from '../objects/shared-object.ts';
import { SharedObject } from '../objects/shared-object.ts';
import { servedAtOnce } from '../turns.ts';
import { awaitState, blockForState, StateWait } from '../waiting/state-wait.ts';
import { describeEvent, isUp, SET_BIT } from './event-facts.ts';

const GENERATION_STEP = 2;
const STATE_MASK = 0x7fffffff;

class EventWait extends StateWait {
  private readonly generation: number;

  constructor(cell: Cell, state: number) {
    super(cell);
    this.generation = state & ~SET_BIT;
  }

  override peek(): boolean {
    const state = load(this.cell.words, this.cell.at + CELL_STATE);
    return isUp(state) || (state & ~SET_BIT) !== this.generation;
  }
}

/** The state of an event, as `describe()` returns it. */
export interface EventDescription extends Description {
  set: boolean;
  /** Calls that wait for it, blocked and awaiting, in all processes. */
  waiting: number;
}

/**
 * A flag that processes and threads share: `set` wakes up all waiters. They return even if `clear`
 * is called before they run.
 *
 * *If a waiter dies*, the other threads notice nothing. *If a thread dies within `set`*, the event
 * is either set or not. If the thread dies that should have set it, the waiters keep waiting: wait
 * with a timeout, or for the child's `sentinel` as well.
 */
export class Event extends SharedObject {
  /** Makes an event that is not set, or opens the event of that name. */
  constructor(options?: ObjectOptions);
  /** @internal */
  constructor(opened: Opened);
  constructor(source?: ObjectOptions | Opened) {
    super(EVENT_KIND, source instanceof Opened ? source : obtain(EVENT_KIND, source, () => {}));
  }

  /** Opens the event that the handle stands for. Throws `HandleError`, `StaleHandleError`. */
  static open(handle: string): Event {
    return new Event(openHandle(EVENT_KIND, handle));
  }

  /** Whether the flag is set. Only a hint if other threads set and clear it. */
  isSet(): boolean {
    this.checkOpen();
    return isUp(this.state);
  }

  /** Sets the flag and wakes up all waiters. */
  set(): void {
    this.checkOpen();
    const { words, at, agent } = this.cell;
    for (;;) {
      const { state } = this;
      if (isUp(state)) return;
      // Set the flag and count the generation in one step: a clear right after loses no waiter.
      const next = ((state + GENERATION_STEP) & STATE_MASK) | SET_BIT;
      if (cas(words, at + CELL_STATE, state, next) !== state) continue;
      wakeAll(agent, this.cell);
      return;
    }
  }

  /** Clears the flag. */
  clear(): void {
    this.checkOpen();
    const { words, at } = this.cell;
    for (;;) {
      const { state } = this;
      if (!isUp(state) || cas(words, at + CELL_STATE, state, state & ~SET_BIT) === state) return;
    }
  }

  /**
   * Waits until the flag is set; the event loop keeps running. Resolves to `true`, or to `false` at
   * the timeout. *Cancels* by `signal`.
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const deadline = this.begin(options);
    const { state } = this;
    return isUp(state) ? servedAtOnce(true) : awaitState(new EventWait(this.cell, state), deadline, this);
  }

  /** Waits until the flag is set, and *blocks* the thread. Returns `false` at the timeout. */
  waitSync(options?: WaitOptions): boolean {
    const deadline = this.begin(options);
    const { state } = this;
    return isUp(state) || blockForState(new EventWait(this.cell, state), deadline);
  }

  override describe(): EventDescription {
    return SharedObject.describe(this, () => {
      const { namespace } = this.cell.agent;
      return {
        kind: EVENT_KIND.name,
        name: this.name ?? null,
        handle: this.handle,
        ...describeEvent(namespace, this.cell).state,
        waiting: countWaiting(namespace, this.cell),
      };
    });
  }

  protected override summary(): string {
    const { set, waiting } = this.describe();
    return `${set ? 'set' : 'not set'}${waiting === 0 ? '' : `, ${waiting} waiting`}`;
  }

  private get state(): number {
    return load(this.cell.words, this.cell.at + CELL_STATE);
  }

  private begin(options: WaitOptions | undefined): Deadline {
    this.checkOpen();
    return Deadline.begin(options);
  }
}

export const EVENT_KIND: Kind = defineKind({ number: 8, name: 'Event', open: Event.open });
