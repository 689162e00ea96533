/**
 * LookingAround: the duties of a blocked thread to others, because its event loop can't do them. It
 * looks after what is kept for children, its children, its folders, and the agents of its
 * namespaces.
 */

import { load } from '#atomics';
import type { Host } from '../agents/cell.ts';
import { agentsOfThread } from '../agents/membership.ts';
import { reapIfDead, sweepIfDue, unlessShort } from '../agents/reaper.ts';
import { AGENT_PID, agentWord } from '../memory/layout.ts';
import { keepsAny, lookAtKept } from '../objects/keeping.ts';

/**
 * Milliseconds between checks of the objects that are kept for children, and of children that can't
 * be watched: a blocked process gets no exit event.
 */
export const CHILDREN_SLICE = 20;

/** This process's children that Lockstep has started. */
const children = new Set<number>();

/** Notes a child of this process: while blocked, the process checks more often whether it lives. */
export function noteChild(pid: number): void {
  children.add(pid);
}

export function forgetChild(pid: number): void {
  children.delete(pid);
}

/**
 * Whether this process has to look at its children every `CHILDREN_SLICE`. `watched`: their deaths
 * wake the thread up.
 */
export function needsLooks(watched: boolean): boolean {
  return keepsAny() || (children.size > 0 && !watched);
}

/** Does all of this once. */
export function lookAround(): void {
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
