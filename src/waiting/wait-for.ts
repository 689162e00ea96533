/**
 * WaitFor: the graph of waits, read from the slots, and the search for a cycle.
 *
 * An object that can be held has one holder, and a stuck holder waits for one thing. From any
 * object there is at most one way to go, so the search is a walk. A step of it is taken only where
 * it is certain that nobody but the waiting code could give the object back:
 *
 *   blocked   the holder's thread sleeps for an object: everything that its agent holds is stuck
 *   alone     the holder's only flow awaits, and nothing else keeps its event loop running: the
 *             same (AGENT_AWAITS)
 *   pledged   the code that holds this very object awaits another one, as its primitive says
 *             (kinds.ts)
 *
 * A waiter first writes what it waits for, and then searches. Of the waiters that close a cycle at
 * the same time, at least one sees it whole. Words that are read one by one need never have been
 * true at once, so the searcher reads a cycle that it has found again. Every wait in it carries a
 * stamp, and a stuck holder can't release anything. So words that read the same twice were the same
 * all the time in between. In between, the searcher checks that every member is alive. Only one
 * agent at a time takes that second look and ends its wait (RESOLVING). So if two agents see the
 * same cycle, one ends its wait, and the other finds the cycle gone.
 */

import { cas, load, store } from '#atomics';
import type { Pledge } from '../agents/kinds.ts';
import { kindNumbered } from '../agents/kinds.ts';
import { reapIfDead, whileNobodyIn } from '../agents/reaper.ts';
import { findEntry } from '../agents/wait-table.ts';
import type { Waker } from '../agents/waiters.ts';
import {
  AGENT_AWAITS,
  AGENT_BLOCKED_ON,
  AGENT_SLOTS,
  AGENT_WAITS,
  agentWord,
  CELL_HEADER,
  ENTRY_TICKET,
  kindOf,
  RESOLVING_WORD,
} from '../memory/layout.ts';
import type { Namespace } from '../namespaces/namespace.ts';

/** A member of a cycle. */
export interface Link {
  readonly slot: number;
  /** Cell that it holds, for which the member before it waits. */
  readonly holds: number;
  /** Cell that it waits for. */
  readonly wants: number;
  readonly stamp: number;
  readonly blocked: boolean;
}

/** The objects that a waiter's own wait keeps from being given back. */
export type Covers = (cell: number) => boolean;

/**
 * Looks whether the wait of `waker` for `cell` closes a cycle. If so, calls `end`, after which no
 * other agent may see the wait. Returns the members: first the waiter, then the holder of the cell,
 * and so on. `covers` tells which cells the waiter's own wait keeps.
 */
export function resolveCycle(
  waker: Waker,
  cell: number,
  blocked: boolean,
  covers: Covers,
  end: () => void,
): Link[] | undefined {
  const seen = walk(waker, cell, blocked, covers);
  if (seen === undefined) return undefined;
  const { words } = waker.namespace;
  // The agent that searches now searches for all. If it misses a cycle, this wait searches again
  // soon.
  waker.lookAgain();
  const resolving = cas(words, RESOLVING_WORD, 0, waker.slot);
  if (resolving !== 0) {
    clearIfNobody(waker, resolving);
    return undefined;
  }
  try {
    for (const { slot } of seen) if (reapIfDead(waker, slot)) return undefined;
    const again = walk(waker, cell, blocked, covers);
    if (again === undefined || !isSame(seen, again)) return undefined;
    end();
    return again;
  } finally {
    store(words, RESOLVING_WORD, 0);
  }
}

/** The word may be damaged, and name a slot that does not exist or is empty. */
function clearIfNobody(waker: Waker, resolving: number): void {
  const { words } = waker.namespace;
  const clear = (): void => {
    cas(words, RESOLVING_WORD, resolving, 0);
  };
  // This agent resolves one at a time, and is about to begin.
  if (resolving === waker.slot || !(resolving > 0 && resolving < AGENT_SLOTS)) clear();
  else whileNobodyIn(waker, resolving, clear);
}

function walk(waker: Waker, start: number, blocked: boolean, covers: Covers): Link[] | undefined {
  const { namespace, slot: me } = waker;
  const others: Link[] = [];
  let cell = start;
  // Where it comes again, it has come into a cycle of others; or to one who has just taken a lock,
  // and still says that it waits.
  while (!others.some(({ holds }) => holds === cell)) {
    const place = namespace.arena.find(cell);
    if (place === undefined) return undefined;
    const kind = kindNumbered(kindOf(load(place.words, place.at + CELL_HEADER)));
    const holder = kind?.holder?.(place) ?? 0;
    if (holder === 0) return undefined;
    const pledge = kind?.pledge?.(place, holder);
    // It is not certain that only the holder gives it back.
    if (pledge === undefined) return undefined;
    if (holder === me && covers(cell)) {
      return [{ slot: me, holds: cell, wants: start, stamp: 0, blocked }, ...others];
    }
    const link = stepFrom(namespace, holder, cell, pledge);
    if (link === undefined) return undefined;
    others.push(link);
    cell = link.wants;
  }
  return undefined;
}

/** The link from the agent's holding to the object that it waits for. */
function stepFrom(namespace: Namespace, slot: number, holds: number, pledge: Pledge): Link | undefined {
  const { words } = namespace;
  const base = agentWord(slot);
  if (load(words, base + AGENT_WAITS) === 0) return undefined;
  const blockedOn = load(words, base + AGENT_BLOCKED_ON);
  const blocked = blockedOn !== 0;
  const wholly = blocked ? blockedOn : load(words, base + AGENT_AWAITS);
  // Blocked for an object outside this namespace, which is unknown here.
  if (wholly < 0) return undefined;
  if (wholly > 0) {
    const entry = findEntry(namespace, slot, wholly);
    if (entry === undefined) return undefined;
    return { slot, holds, wants: wholly, stamp: load(entry.words, entry.at + ENTRY_TICKET), blocked };
  }
  const { wants, stamp } = pledge;
  return wants === 0 ? undefined : { slot, holds, wants, stamp, blocked: false };
}

function isSame(one: readonly Link[], other: readonly Link[]): boolean {
  return (
    one.length === other.length &&
    one.every((link, index) => {
      const { slot, holds, wants, stamp } = other[index]!;
      return link.slot === slot && link.holds === holds && link.wants === wants && link.stamp === stamp;
    })
  );
}
