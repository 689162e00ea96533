/** Waiters: finds the waiters of an object that has changed, and wakes them up. */

import { add, load } from '#atomics';
import { unpark } from '#park';
import type { Words } from '../memory/atomics.ts';
import {
  AGENT_BLOCKED_ON,
  AGENT_PARK,
  AGENT_SLEEPING,
  agentWord,
  BLOCKING_BIT,
  CELL_OPEN,
  DEEPLY,
  ENTRY_STATUS,
  ENTRY_TICKET,
  FLOWS_SHIFT,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { findEntry } from './wait-table.ts';

/** An agent, as a source of wake-ups. */
export interface Waker {
  readonly namespace: Namespace;
  readonly slot: number;
  /**
   * Rings the bell of the agent in `slot`, which may be this one. Never throws: the change that it
   * reports has been made.
   */
  ring(slot: number, cell: number): void;
  /** Wakes the thread of the agent in `slot`, which sleeps in its berth. Never throws. */
  rouse(slot: number): void;
  /** Makes its awaiting calls poll again soon. */
  lookAgain(): void;
}

/** An agent's wait entry for an object. */
export interface Waiter {
  readonly slot: number;
  readonly words: Words;
  /** First word of the entry. */
  readonly at: number;
}

/** Every agent that waits for the object, in no order. */
export function waitersOf(namespace: Namespace, place: Place): Waiter[] {
  const waiters: Waiter[] = [];
  eachWaiter(namespace, place, (slot, words, at) => waiters.push({ slot, words, at }));
  return waiters;
}

/** The waiter that came first, among those that can act on a wake-up. */
export function oldestWaiter(namespace: Namespace, place: Place): Waiter | undefined {
  let oldest: Waiter | undefined;
  let first = 0;
  eachWaiter(namespace, place, (slot, words, at) => {
    if (!canAct(namespace, slot, words, at)) return;
    const ticket = load(words, at + ENTRY_TICKET);
    if (oldest !== undefined && !isBefore(ticket, first)) return;
    oldest = { slot, words, at };
    first = ticket;
  });
  return oldest;
}

/** Calls `visit` for the wait entry of each agent that waits for the object. */
function eachWaiter(
  namespace: Namespace,
  place: Place,
  visit: (slot: number, words: Words, at: number) => void,
): void {
  // OBSERVE entry
  const { number } = place;
  const last = namespace.highSlot >> 5;
  for (let word = 0; word <= last; word++) {
    let bits = load(place.words, place.at + CELL_OPEN + word);
    while (bits !== 0) {
      const bit = bits & -bits;
      bits ^= bit;
      const slot = word * 32 + 31 - Math.clz32(bit);
      const entry = findEntry(namespace, slot, number);
      if (entry !== undefined) visit(slot, entry.words, entry.at);
    }
  }
}

/** The `count` waiters that came first, among those that can act. */
function oldestWaiters(namespace: Namespace, place: Place, count: number): Waiter[] {
  if (count === 1) {
    const first = oldestWaiter(namespace, place);
    return first === undefined ? [] : [first];
  }
  const waiters = waitersOf(namespace, place).filter(({ slot, words, at }) =>
    canAct(namespace, slot, words, at),
  );
  const ticket = (waiter: Waiter): number => load(waiter.words, waiter.at + ENTRY_TICKET);
  const order = waiters.map((waiter) => ({ waiter, ticket: ticket(waiter) }));
  order.sort((a, b) => (a.ticket === b.ticket ? 0 : isBefore(a.ticket, b.ticket) ? -1 : 1));
  return order.slice(0, count).map(({ waiter }) => waiter);
}

/** Whether ticket `a` was drawn before `b`; the counter may wrap. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** Wakes the waiter: its thread if that sleeps for the object, its event loop otherwise. */
export function wake(waker: Waker, { slot, words, at }: Waiter, cell: number): void {
  if ((load(words, at + ENTRY_STATUS) & BLOCKING_BIT) !== 0) wakeThread(waker, slot);
  else waker.ring(slot, cell);
}

/** Wakes the `count` waiters that came first, of those that can act. */
export function wakeOldest(waker: Waker, place: Place, count = 1): void {
  for (let left = count; left > 0; ) {
    const chosen = oldestWaiters(waker.namespace, place, left);
    left = 0;
    for (const waiter of chosen) if (!wakeHeard(waker, waiter, place.number)) left++;
  }
}

/**
 * Whether no other agent's call came first. A call that did is woken, in case nobody has woken it.
 */
export function isFirst(waker: Waker, place: Place): boolean {
  for (;;) {
    const first = oldestWaiter(waker.namespace, place);
    if (first === undefined || first.slot === waker.slot) return true;
    if (wakeHeard(waker, first, place.number)) return false;
  }
}

/**
 * Wakes the waiter. Returns `false` if its thread has blocked since it was chosen: then the ring
 * may have come too late.
 */
function wakeHeard(waker: Waker, waiter: Waiter, cell: number): boolean {
  const { slot, words, at } = waiter;
  wake(waker, waiter, cell);
  // OBSERVE blocked on -> ring
  return canAct(waker.namespace, slot, words, at);
}

/** Wakes every waiter of the object. */
export function wakeAll(waker: Waker, place: Place): void {
  for (const waiter of waitersOf(waker.namespace, place)) wake(waker, waiter, place.number);
}

/** Wakes the agent's thread if it sleeps. */
export function wakeThread(waker: Waker, slot: number): void {
  const { words, control } = waker.namespace;
  const base = agentWord(slot);
  add(words, base + AGENT_PARK, 1);
  // OBSERVE sleeping -> park
  const sleeping = load(words, base + AGENT_SLEEPING);
  if (sleeping === DEEPLY) waker.rouse(slot);
  else if (sleeping !== 0) unpark(control, base + AGENT_PARK);
}

/** Number of waiting calls on the object, blocked and awaiting. */
export function countWaiting(namespace: Namespace, place: Place): number {
  let count = 0;
  for (const { words, at } of waitersOf(namespace, place))
    count += load(words, at + ENTRY_STATUS) >> FLOWS_SHIFT;
  return count;
}

/**
 * An event loop whose thread is blocked on something else can't act: waking it would spend the
 * wake-up.
 */
function canAct(namespace: Namespace, slot: number, words: Words, at: number): boolean {
  if ((load(words, at + ENTRY_STATUS) & BLOCKING_BIT) !== 0) return true;
  return load(namespace.words, agentWord(slot) + AGENT_BLOCKED_ON) === 0;
}
