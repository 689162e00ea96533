/**
 * Vigil: the agents that a waiter waits for, and its reaction when one of them ends or shouts
 * (life.ts).
 *
 * Only an agent that has the object open can hold it, or owe a wake-up for it. So a waiter watches
 * all of these, and needs no timer to notice that one has died. An agent that opens the object
 * later wakes the waiters, so that they watch it, too (agent.ts):
 *
 *   waiter  fills its entry               // PUBLISH entry
 *           then reads the open bits      // OBSERVE open -> entry
 *   opener  sets its open bit             // PUBLISH open -> entry
 *           then reads the wait entries   // OBSERVE entry
 *
 * One of the two sees the other. Each watched agent costs a descriptor. Agents for which there is
 * none are polled by a slow timer.
 *
 * The end of a FIFO is not a proof: the kernel frees the lock of the slot a moment before or after.
 * Until then the waiter polls a few times, at short intervals. A living agent that has lost its
 * FIFO is no longer watched.
 */

import { load } from '#atomics';
import { AGENT_MISSED_RING, agentWord, CELL_OPEN } from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import { EVERYTHING } from '../namespaces/doorbell.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { reapIfDead, stateOf } from './reaper.ts';
import type { Waker } from './waiters.ts';
import { wakeThread } from './waiters.ts';

/** Milliseconds between two looks at an agent whose FIFO has ended and whose lock is still held. */
export const DOUBT_INTERVAL = 1;
/** Number of such looks after which the agent counts as one that has lost its FIFO. */
const MOST_DOUBTS = 50;

interface Doubt {
  readonly state: number;
  looks: number;
}

/** Agents whose FIFO has ended, and which may live. */
export class Doubts {
  private readonly waker: Waker;
  private readonly doubts = new Map<number, Doubt>();

  constructor(waker: Waker) {
    this.waker = waker;
  }

  /** Whether to look again soon. */
  get pressing(): boolean {
    for (const { looks } of this.doubts.values()) if (looks < MOST_DOUBTS) return true;
    return false;
  }

  /** Whether the agent in `slot` can't be watched. */
  has(slot: number): boolean {
    const doubt = this.doubts.get(slot);
    if (doubt === undefined) return false;
    if (doubt.state === stateOf(this.waker.namespace, slot)) return true;
    this.doubts.delete(slot);
    return false;
  }

  /**
   * The FIFO of the agent in `slot` has ended. `state` is the slot's state when the FIFO was
   * opened.
   */
  add(slot: number, state: number): void {
    if (this.doubts.get(slot)?.state !== state) this.doubts.set(slot, { state, looks: 0 });
  }

  /** Looks at each. Returns whether one was dead, even if another agent has cleared up after it. */
  settle(): boolean {
    let over = false;
    for (const [slot, doubt] of this.doubts) {
      // Keep the doubt while the lock is held and the agent is not dead.
      if (this.has(slot) && !reapIfDead(this.waker, slot)) {
        doubt.looks++;
        continue;
      }
      // The doubt is over: the agent is dead, or its slot has another agent.
      this.doubts.delete(slot);
      over = true;
    }
    return over;
  }

  clear(): void {
    this.doubts.clear();
  }
}

/**
 * The living agents but `me` that have one of the objects open: each may hold it, or owe a wake-up.
 */
export function openersOf(namespace: Namespace, places: Iterable<Place>, me: number): Set<number> {
  const slots = new Set<number>();
  const last = namespace.highSlot >> 5;
  for (const { words, at } of places) {
    // OBSERVE open -> entry
    for (let word = 0; word <= last; word++) {
      let bits = load(words, at + CELL_OPEN + word);
      while (bits !== 0) {
        const bit = bits & -bits;
        bits ^= bit;
        const slot = word * 32 + 31 - Math.clz32(bit);
        if (slot !== 0 && slot !== me && namespace.isTaken(slot)) slots.add(slot);
      }
    }
  }
  return slots;
}

/**
 * Rings the agents that a shouting agent could not ring. An agent that this one can't ring either
 * is left: it watches the shouter itself, or polls now and then.
 */
export function ringInstead(waker: Waker): void {
  const { namespace } = waker;
  for (let slot = 1, high = namespace.highSlot; slot <= high; slot++) {
    if (slot === waker.slot || !namespace.isLive(slot)) continue;
    if (load(namespace.words, agentWord(slot) + AGENT_MISSED_RING) === 0) continue;
    wakeThread(waker, slot);
    waker.ring(slot, EVERYTHING);
  }
}
