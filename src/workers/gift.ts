/**
 * Gift: how the shared objects in a child's result live until its parent has opened them, though
 * the child has ended.
 *
 * The child puts them into a queue, which keeps them (agents/kept.ts), and opens that queue for its
 * parent: it sets the parent's bits in OPEN of the queue's cells. The parent knows nothing of the
 * queue, so it can't close it before; it finds the queue's handle beside the result. Most results
 * have no shared object in them, and cost nothing.
 *
 *   child    make the queue, put · write the result with the gift beside it under another name ·
 *            set the parent's bits · name it as the result
 *   parent   open the queue · take · open the result · close what was taken, and the queue
 *
 * If the child dies before it sets the first bit, the queue goes with it. If it dies after, the
 * parent finds the unfinished result and gives the bits back. If the parent dies, before or after,
 * its reaper clears its bits, and the queue ends with all that is in it. The parent's seat may be
 * empty, or another's, by the time the child sets its bits: it looks before and after, and takes
 * them back.
 */

import { load } from '#atomics';
import type { Host } from '../agents/cell.ts';
import { namesOf } from '../agents/kept.ts';
import { defaultAgent } from '../agents/membership.ts';
import { AGENT_STATE, agentWord } from '../memory/layout.ts';
import type { Named } from '../memory/place.ts';
import { openShared } from '../objects/handles.ts';
import type { SharedObject } from '../objects/shared-object.ts';

/** The part of a queue that is needed. */
interface GiftQueue extends SharedObject {
  readonly empty: boolean;
  putSync(objects: readonly SharedObject[]): void;
  getSync(): unknown;
}

let makeQueue: (() => GiftQueue) | undefined;

/**
 * Sets the function that makes a queue, because queues are in another layer. Called by the entries
 * of children.
 */
export function giveBy(make: () => GiftQueue): void {
  makeQueue = make;
}

/** An agent, by its slot and its incarnation. */
export interface Address {
  readonly slot: number;
  readonly state: number;
}

/** A queue with shared objects in it, of which the one whom it is for has these cells open. */
export interface Gift {
  readonly handle: string;
  readonly cells: readonly Named[];
}

export function addressOf(agent: Host): Address {
  return { slot: agent.slot, state: stateIn(agent, agent.slot) };
}

/**
 * Makes a gift of what only this agent's namespace can keep. `pass` is to write down what it is
 * given before it calls its argument, which hands the gift over.
 */
export function withGift(
  objects: readonly SharedObject[],
  to: Address,
  pass: (gift: Gift | undefined, handOver: () => void) => void,
): void {
  const agent = objects.find(({ cell }) => !cell.agent.hasLeft)?.cell.agent;
  const mine =
    agent === undefined || agent !== defaultAgent() ? [] : objects.filter(({ cell }) => cell.agent === agent);
  if (agent === undefined || mine.length === 0 || makeQueue === undefined) {
    pass(undefined, () => {});
    return;
  }
  using queue = makeQueue();
  queue.putSync(mine);
  const cells = namesOf(queue.cell, []);
  pass({ handle: queue.handle, cells }, () => openFor(agent, cells, to));
}

/** Takes the gift; returns a function that closes it. */
export function receiveGift(gift: Gift): () => void {
  const agent = defaultAgent();
  try {
    // Open the objects, then give back the hold of the child.
    using queue = openShared(gift.handle) as GiftQueue;
    const objects = queue.empty ? [] : (queue.getSync() as SharedObject[]);
    return () => {
      for (const object of objects) object[Symbol.dispose]();
    };
  } finally {
    giveBack(agent, gift);
  }
}

/** Gives back the gift of a result that did not come. */
export function refuseGift(gift: Gift): void {
  giveBack(defaultAgent(), gift);
}

function openFor(agent: Host, cells: readonly Named[], to: Address): void {
  const { arena } = agent.namespace;
  if (stateIn(agent, to.slot) !== to.state) return;
  for (const { number } of cells) arena.openFor(arena.place(number), to.slot);
  if (stateIn(agent, to.slot) === to.state) return;
  for (const { number } of cells) arena.close(arena.place(number), to.slot);
}

/** Where the queue was opened in the ordinary way, and closed, nothing is left to give back. */
function giveBack(agent: Host, { cells }: Gift): void {
  const { arena } = agent.namespace;
  for (const { number } of cells) {
    if (!agent.cells.has(number)) arena.close(arena.place(number), agent.slot);
  }
}

function stateIn({ namespace }: Host, slot: number): number {
  return load(namespace.words, agentWord(slot) + AGENT_STATE);
}
