/**
 * The words of a lock, and what anyone may read from them.
 *
 *   word  name      bits                                                    written by
 *   +0    STATE     30 WAITERS | 29 FAIR | 28 RECOVERED | 7…0 owner slot    anyone, CAS only
 *   +1    TICKETS   counter: order of arrival                                 waiters
 *   +2    MARKS     30…8 recoveries | 2 STACKS | 1 SIGNAL | 0 TOLERANT      creator, releasers,
 *                                                                           reaper
 *   +3    DEPTH     how often the owner has taken it (RLock; for others to  the owner
 *                   read)
 *   +4    WANTS     cell that the holding scope awaits; 0 none, or not      the owner; the reaper
 *                   certain
 *   +5    WANTS_BY  30…23 the owner's slot | 22…0 ticket of that wait       the owner
 *
 * The search for deadlocks (wait-for.ts) takes it for certain that the owner will free the lock,
 * unless the lock is TOLERANT (made with `deadlock: 'ignore'`) or a SIGNAL. Once a thread has
 * released it for another agent, one may do so again. WANTS belongs to the scope that took the
 * lock. It is void if its slot is not the owner's: then a previous owner left it.
 */

import { add, cas, load, setBits, store } from '#atomics';
import type { Pledge } from '../../agents/kinds.ts';
import { CELL_BODY, CELL_STATE, SLOT_MASK } from '../../memory/layout.ts';
import type { Place } from '../../memory/place.ts';
import type { Namespace } from '../../namespaces/namespace.ts';

const MARKS_WORD: number = CELL_BODY + 2;
export const DEPTH_WORD: number = CELL_BODY + 3;
const WANTS_WORD: number = CELL_BODY + 4;
const WANTS_BY_WORD: number = CELL_BODY + 5;

export const TOLERANT_BIT = 1;
const SIGNAL_BIT = 2;
export const STACKS_BIT = 4;
const RECOVERY_STEP: number = 1 << 8;
const WANTS_SLOT_SHIFT = 23;
const WANTS_TICKET_MASK: number = (1 << WANTS_SLOT_SHIFT) - 1;

export const WAITERS_BIT: number = 1 << 30;
export const FAIR_BIT: number = 1 << 29;
export const RECOVERED_BIT: number = 1 << 28;
const OWNER_MASK = SLOT_MASK;

export function ownerOf(state: number): number {
  return state & OWNER_MASK;
}

export function isFree(state: number): boolean {
  return (state & OWNER_MASK) === 0;
}

export function isFair(state: number): boolean {
  return (state & FAIR_BIT) !== 0;
}

/** Frees the lock if the dead agent owned it, and marks that for the next owner. */
export function recoverLock(_namespace: Namespace, { words, at }: Place, dead: number): void {
  for (;;) {
    const state = load(words, at + CELL_STATE);
    if (ownerOf(state) !== dead) return;
    // Clear WANTS, because a successor in the slot must not be mistaken for the dead agent.
    store(words, at + WANTS_WORD, 0);
    const freed = (state & (WAITERS_BIT | FAIR_BIT)) | RECOVERED_BIT;
    if (cas(words, at + CELL_STATE, state, freed) !== state) continue;
    add(words, at + MARKS_WORD, RECOVERY_STEP);
    return;
  }
}

/** How many holders have died inside. */
export function recoveriesOf({ words, at }: Place): number {
  return load(words, at + MARKS_WORD) >> 8;
}

/** The holder of the lock. */
export function holderOf({ words, at }: Place): number {
  return ownerOf(load(words, at + CELL_STATE));
}

/** The object that the holder awaits; `undefined` where others may free the lock for it. */
export function pledgeOf({ words, at }: Place, holder: number): Pledge | undefined {
  if (isSignal({ words, at })) return undefined;
  const wants = load(words, at + WANTS_WORD);
  const stamp = load(words, at + WANTS_BY_WORD);
  return stamp >> WANTS_SLOT_SHIFT === holder ? { wants, stamp } : { wants: 0, stamp: 0 };
}

/** Marks a lock that is just made. */
export function setMarks({ words, at }: Place, marks: number): void {
  if (marks !== 0) setBits(words, at + MARKS_WORD, marks);
}

/** Marks a lock that is about to be released for another agent. */
export function markSignal({ words, at }: Place): void {
  setBits(words, at + MARKS_WORD, SIGNAL_BIT);
}

/** Records that the scope in which agent `owner` holds the lock awaits the cell. */
export function writeWant({ words, at }: Place, owner: number, cell: number, ticket: number): void {
  store(words, at + WANTS_WORD, 0);
  store(words, at + WANTS_BY_WORD, (owner << WANTS_SLOT_SHIFT) | (ticket & WANTS_TICKET_MASK));
  store(words, at + WANTS_WORD, cell);
}

/** Removes that record: the wait is over, or no longer certain. */
export function clearWant({ words, at }: Place): void {
  store(words, at + WANTS_WORD, 0);
}

/** Whether agents other than the holder may free the lock. */
export function isSignal({ words, at }: Pick<Place, 'words' | 'at'>): boolean {
  return (load(words, at + MARKS_WORD) & (TOLERANT_BIT | SIGNAL_BIT)) !== 0;
}

/** Whether deadlocks at this lock are not reported. */
export function isTolerant({ words, at }: Place): boolean {
  return (load(words, at + MARKS_WORD) & TOLERANT_BIT) !== 0;
}

/** Whether the stack of each taking is noted. */
export function notesStacks({ words, at }: Place): boolean {
  return (load(words, at + MARKS_WORD) & STACKS_BIT) !== 0;
}
