/**
 * Reaper: finds agents whose kernel lock is gone, and clears up after them.
 *
 * The agent that has the liveness lock of a slot may clear it, so at most one reaper works on a
 * slot. If that reaper dies, too, the next starts again: every step may be done twice. The steps:
 *
 *   1. the dead agent's wait entries: a notification it had not taken goes to the next, its barrier
 *      breaks
 *   2. if it died while it put or took shared objects: a note that counts of them may be too high
 *      (kept.ts)
 *   3. every cell that it had open: frees its share, clears its open bit, frees the cell if that
 *      was the last bit
 *   4. its slot: free
 *   5. wakes every waiter once. That replaces each wake-up that died with the agent: a releaser
 *      killed between its compare-and-swap and its wake, a waiter killed after it was chosen. A
 *      needless look costs little.
 *
 * Nobody: a damaged word may name an empty slot, so that no agent would ever give the object back.
 * LIVE is set before an agent takes anything, and cleared after everything that it had was given
 * back. Both happen under the slot's liveness lock. So an agent that has that lock and finds the
 * slot not LIVE knows that nobody sits there, and that nobody can sit down meanwhile. Words that
 * name the slot are not holdings, and are freed like those of a dead agent (`freeOfNobody`).
 *
 * Race: O reads owner s in a lock and finds s not LIVE (O1); B sits down in s and takes the lock
 * (B1); O frees it? No: O takes the slot's lock first. B has it by then, so O leaves the object
 * alone. If O was faster, B sits down elsewhere, or after O.
 *
 * Foreign: a kind of object that this program does not know, because its maker is newer or loads
 * more kinds. The dead agent's part of such an object is left as it is, with its wait entry and its
 * open bit. Everything else is cleared up. The slot becomes LIVE | LEFT, and is handed to nobody
 * until an agent that knows the kind has cleared up the rest, and then clears both bits.
 *
 *   word of the slot     writer, under the slot's liveness lock
 *   STATE 0 LIVE         the agent that sits down; a reaper that has cleared up everything
 *   STATE 1 LEFT         a reaper that has left something; cleared with LIVE
 *
 * A reaper that dies before it has set LEFT has done some steps, and the next does them again.
 * After LEFT, each agent tries once, and remembers the slots that it can do no more for. Waiters
 * for a foreign object know its kind. They check its holder like any other, so one of them clears
 * up the rest. It wakes all waiters, as every reaper does.
 */

import { cas, load, store } from '#atomics';
import { commonTime } from '#park';
import { tell } from '../channels.ts';
import {
  AGENT_AWAITS,
  AGENT_BLOCKED_ON,
  AGENT_CHUNK,
  AGENT_HIGH_ENTRY,
  AGENT_KEEPS,
  AGENT_LEFT_BIT,
  AGENT_LIVE_BIT,
  AGENT_MISSED_RING,
  AGENT_PID,
  AGENT_SLEEPING,
  AGENT_SLOTS,
  AGENT_STATE,
  AGENT_THREAD,
  AGENT_WAITS,
  agentWord,
  CELL_HEADER,
  CELL_OPEN,
  ENTRY_CELL,
  KIND,
  kindOf,
  RESOLVING_WORD,
  SWEPT_WORD,
  slotOf,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import { EVERYTHING } from '../namespaces/doorbell.ts';
import { pruneNames } from '../namespaces/names.ts';
import type { Namespace } from '../namespaces/namespace.ts';
import { isShortage } from '../platform/descriptors.ts';
import type { Kind } from './kinds.ts';
import { canServe, kindNumbered } from './kinds.ts';
import { eachEntry } from './wait-table.ts';
import type { Waker } from './waiters.ts';
import { wakeAll, wakeThread } from './waiters.ts';

/** Minimum milliseconds between two looks at all agents of a namespace. */
export const SWEEP_PERIOD = 40;
const CLOCK_MASK = 0x7fffffff;

/** An object of which agents may have a share. */
interface Owned extends Place {
  readonly kind: Kind;
}

/**
 * Clears up after the agent in `dead`. The caller has the slot's liveness lock. Returns whether the
 * slot is free now: `false` where a part is left to an agent that knows more kinds of objects.
 */
export function reap(namespace: Namespace, dead: number, by: number): boolean {
  const base = agentWord(dead);
  const { words, arena } = namespace;
  const state = load(words, base + AGENT_STATE);
  if ((state & AGENT_LIVE_BIT) === 0) return true;
  let entriesLeft = false;
  eachEntry(namespace, dead, (entryWords, at, cell) => {
    const place = arena.find(cell);
    if (place !== undefined) {
      const found = load(place.words, place.at + CELL_HEADER);
      if (isForeign(found)) {
        entriesLeft = true;
        return false;
      }
      kindNumbered(kindOf(found))?.withdraw?.(namespace, place, dead, entryWords, at);
    }
    store(entryWords, at + ENTRY_CELL, 0);
    return false;
  });
  // Before its cells are freed: some of them hold further entries, and may become other objects.
  if (!entriesLeft)
    for (const word of [AGENT_WAITS, AGENT_HIGH_ENTRY, AGENT_CHUNK]) store(words, base + word, 0);
  arena.doubt(dead);
  let left = entriesLeft;
  const reapCells = (): void => {
    for (let number = 1, last = arena.reach; number <= last; number++) {
      const place = arena.find(number);
      if (place === undefined) break;
      if (!reapCell(namespace, place, dead, by, entriesLeft)) left = true;
    }
  };
  if (arena.inDoubt) namespace.rings.remembering(by, reapCells);
  else reapCells();
  for (const word of [AGENT_BLOCKED_ON, AGENT_SLEEPING, AGENT_MISSED_RING, AGENT_AWAITS, AGENT_KEEPS]) {
    store(words, base + word, 0);
  }
  cas(words, RESOLVING_WORD, dead, 0);
  // Also where nothing was freed: the agent may have died between freeing an object and removing
  // its name.
  unlessShort(() => pruneNames(namespace));
  store(
    words,
    base + AGENT_STATE,
    left ? state | AGENT_LEFT_BIT : state & ~(AGENT_LIVE_BIT | AGENT_LEFT_BIT),
  );
  return !left;
}

/** Slots of dead agents for which this thread can do no more, with the `stateOf` each. */
const leftTo = new WeakMap<Namespace, Map<number, number>>();

/**
 * Reaps the agent in `slot` if it is dead. Returns whether it was dead and this thread could clear
 * up.
 */
export function reapIfDead(waker: Waker, slot: number): boolean {
  const { namespace } = waker;
  if (slot === waker.slot || !namespace.isTaken(slot)) return false;
  // Skip a slot whose remains were left to a newer program.
  const given = leftTo.get(namespace);
  if (given?.get(slot) === stateOf(namespace, slot)) return false;
  // Take the liveness lock: a living agent has it.
  if (!namespace.tryLockSlot(slot)) return false;
  try {
    if (!namespace.isTaken(slot)) return false;
    tellOfDeath(namespace, slot);
    if (!reap(namespace, slot, waker.slot)) noteLeft(namespace, slot);
  } finally {
    namespace.unlockSlot(slot);
  }
  wakeEverybody(waker);
  return true;
}

/** Reports the death to monitors. Call before anything of the dead agent is cleared up. */
export function tellOfDeath(namespace: Namespace, slot: number): void {
  tell('died', () => ({ ...namespace.identity(slot), slot, folder: namespace.folder }));
}

function noteLeft(namespace: Namespace, slot: number): void {
  const given = leftTo.get(namespace) ?? new Map<number, number>();
  leftTo.set(namespace, given.set(slot, stateOf(namespace, slot)));
}

/** Distinguishes the agent in `slot` from earlier and later ones there. */
export function stateOf({ words }: Namespace, slot: number): number {
  return load(words, agentWord(slot) + AGENT_STATE) & ~AGENT_LEFT_BIT;
}

/**
 * Calls `act` if nobody sits in the slot; nobody can sit down meanwhile. Returns whether it did.
 */
export function whileNobodyIn({ namespace, slot: own }: Waker, slot: number, act: () => void): boolean {
  if (slot === own || !(slot > 0 && slot < AGENT_SLOTS) || namespace.isLive(slot)) return false;
  // The lock's holder is an agent that is just taking the slot, or has lost only its LIVE bit.
  if (!namespace.tryLockSlot(slot)) return false;
  try {
    if (namespace.isLive(slot)) return false;
    act();
  } finally {
    namespace.unlockSlot(slot);
  }
  return true;
}

/**
 * Frees the share of the object that its words assign to an empty slot, and wakes the waiters.
 * Returns whether it did.
 */
export function freeOfNobody(waker: Waker, place: Owned, slot: number): boolean {
  if (slot === 0) return false;
  const freed = whileNobodyIn(waker, slot, () => place.kind.recover?.(waker.namespace, place, slot));
  if (freed) wakeAll(waker, place);
  return freed;
}

/**
 * Checks the agent that has to act before the object is free: it may be dead, or its slot empty.
 */
export function lookAfter(waker: Waker, place: Owned, slot: number): void {
  if (slot !== 0 && !reapIfDead(waker, slot)) freeOfNobody(waker, place, slot);
}

/** Looks at every other agent that has the object open. */
export function reapDeadOpeners(waker: Waker, { words, at }: Place): void {
  const last = waker.namespace.highSlot >> 5;
  for (let word = 0; word <= last; word++) {
    let bits = load(words, at + CELL_OPEN + word);
    while (bits !== 0) {
      const bit = bits & -bits;
      bits ^= bit;
      reapIfDead(waker, word * 32 + 31 - Math.clz32(bit));
    }
  }
}

/** Looks at every agent of the namespace, unless another agent did within the period. */
export function sweepIfDue(waker: Waker): void {
  const { namespace } = waker;
  const time = commonTime() & CLOCK_MASK;
  const last = load(namespace.words, SWEPT_WORD);
  if (((time - last) & CLOCK_MASK) < sweepPeriod(namespace)) return;
  if (cas(namespace.words, SWEPT_WORD, last, time) === last) sweep(waker);
}

/** Looks at every agent of the namespace now. Returns how many were dead. */
export function sweep(waker: Waker): number {
  let dead = 0;
  for (let slot = 1, high = waker.namespace.highSlot; slot <= high; slot++)
    if (reapIfDead(waker, slot)) dead++;
  return dead;
}

/** Milliseconds between two looks: longer where there are many agents to look at. */
export function sweepPeriod(namespace: Namespace): number {
  return Math.max(SWEEP_PERIOD, namespace.highSlot);
}

/** Reaps the agents of a process that was seen to end. */
export function reapProcess(waker: Waker, pid: number): void {
  reapWhere(waker, (base) => load(waker.namespace.words, base + AGENT_PID) === pid);
}

/** Reaps the agent of a thread of this process that was seen to end. */
export function reapThread(waker: Waker, threadId: number): void {
  const { words } = waker.namespace;
  reapWhere(
    waker,
    (base) => load(words, base + AGENT_PID) === process.pid && load(words, base + AGENT_THREAD) === threadId,
  );
}

/** Wakes every agent that waits for anything. */
export function wakeEverybody(waker: Waker): void {
  const { namespace } = waker;
  for (let slot = 1, high = namespace.highSlot; slot <= high; slot++) {
    const base = agentWord(slot);
    if (!namespace.isLive(slot) || load(namespace.words, base + AGENT_WAITS) === 0) continue;
    wakeThread(waker, slot);
    waker.ring(slot, EVERYTHING);
  }
}

function reapWhere(waker: Waker, chosen: (base: number) => boolean): void {
  for (let slot = 1, high = waker.namespace.highSlot; slot <= high; slot++) {
    // Its own waiters also notice its death.
    if (chosen(agentWord(slot))) unlessShort(() => reapIfDead(waker, slot));
  }
}

/** Calls `act`, and gives up silently if the system is short of descriptors just now. */
export function unlessShort(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isShortage(error)) throw error;
  }
}

/** Whether a header is that of an object for which this program can do nothing. */
function isForeign(header: number): boolean {
  const kind = kindOf(header);
  return kind !== 0 && !canServe(kind);
}

/** Returns whether nothing of the cell is left for another reaper. */
function reapCell(
  namespace: Namespace,
  place: Place,
  dead: number,
  by: number,
  entriesLeft: boolean,
): boolean {
  const header = load(place.words, place.at + CELL_HEADER);
  // Only an agent that has it open can hold a share of it. While the bit is set the cell can't
  // become another object.
  const open = load(place.words, place.at + CELL_OPEN + (dead >> 5)) & (1 << (dead & 31));
  if (header === 0 && open === 0) return true;
  const kind = kindNumbered(kindOf(header));
  // Objects that the dead agent did not have open need none of the kind's code. Don't make a bundle
  // load it.
  if (open === 0 ? kindOf(header) !== 0 && kind === undefined : isForeign(header)) {
    return open === 0 && slotOf(header) !== dead;
  }
  if (entriesLeft && kindOf(header) === KIND.ENTRIES && slotOf(header) === dead) return false;
  if (open !== 0) kind?.recover?.(namespace, place, dead);
  namespace.arena.recover(place, dead, by);
  return true;
}
