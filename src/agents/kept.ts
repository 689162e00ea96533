/**
 * Kept: objects that lie in a queue or pipe live as long as the item that names them, even if the
 * agent that put it has ended.
 *
 *   HEADER of the named object  30…19 KEPT: items that name it, never too few  CAS: putters, takers
 *   MOVING of the agent         1 while it puts or takes such an item          it, its reaper
 *   DOUBT of the namespace      1: some counts may be too high                 reapers, for good
 *
 * The names in an item follow its payload (messaging/ring/item-names.ts). They are the number and
 * generation of each object in it, and of the objects that these need (`needs` of their kind). An
 * array needs its lock, a pipe's end its channels. That list in the ring is the truth. KEPT counts
 * it, so that no agent has to search the ring unless an agent has died.
 *
 *   put    with the objects open: MOVING = 1, KEPT + 1 for each name, put the item in, MOVING = 0
 *   take   open the objects, MOVING = 1, take the item, KEPT - 1 for each name, MOVING = 0
 *   end    the last agent that has the ring open takes all items, lowers the counts, and frees the
 *          objects that no other agent has open
 *
 * Death of the putter: before MOVING nothing has happened. From there to the item's commit the
 * counts are too high, and the reaper sees MOVING. It sets DOUBT before it clears the dead agent's
 * open bits, and then looks at every cell. From the commit on the counts are right, and DOUBT is
 * needless. Death of the taker: before the item is taken it lies there as before, and the taker's
 * open bits are cleared. After it, as above. An agent that died in the middle of ending a ring has
 * left items in it or MOVING set; the next to free the cell goes on from there.
 *
 * With DOUBT, an agent that is about to end an object with a count reads the rings first: see
 * `settle` in arena.ts.
 *
 * An item may name the very object in whose ring it lies, or the end of the pipe that would
 * receive it. That name is not counted: the taker has the object open. Two queues that lie in each
 * other keep each other, until the namespace ends.
 *
 * Objects of another namespace can't be kept so, because no agent there would learn that the ring
 * has ended. Their sender's thread keeps them open.
 */

import { load } from '#atomics';
import type { Named } from '../memory/place.ts';
import type { Cell, Host } from './cell.ts';

/**
 * The cells that an item keeps if the cell's object is in it: the cell and the cells that it needs,
 * except those that only `without` needs.
 */
export function namesOf(cell: Cell, without: readonly number[]): Named[] {
  const known = cell.agent.cells.get(cell.number);
  if (known?.generation !== cell.generation || without.includes(cell.number)) return [];
  return [known, ...cellsNeeded(known, without)].map(({ number, generation }) => ({ number, generation }));
}

/**
 * The cells that the cell's object needs, as far as they are open here: a lock that was closed by
 * hand is not.
 */
export function cellsNeeded(cell: Cell, without: readonly number[] = []): Cell[] {
  const seen = new Set([cell.number, ...without]);
  const needed: Cell[] = [];
  const open = [cell];
  for (let each = open.pop(); each !== undefined; each = open.pop()) {
    const { agent, kind, words, at } = each;
    // Follow the cells that this one names.
    for (const word of kind.needs) {
      const known = agent.cells.get(load(words, at + word));
      if (known === undefined || known.generation !== load(words, at + word + 1) || seen.has(known.number))
        continue;
      seen.add(known.number);
      needed.push(known);
      open.push(known);
    }
  }
  return needed;
}

/**
 * Puts an item with these names in. The named objects are open here. `put` is the single step that
 * makes the item visible.
 */
export function putNaming(agent: Host, names: readonly Named[], put: () => void): void {
  const { namespace, slot } = agent;
  const { arena } = namespace;
  arena.beginMove(slot);
  for (const { number } of names) arena.keep(arena.place(number));
  // PUBLISH kept -> item
  put();
  arena.endMove(slot);
}

/**
 * Takes an item with these names. The named objects are open here, except those that failed to
 * open. `take` returns whether this agent got the item.
 */
export function takeNaming(agent: Host, names: readonly Named[], take: () => boolean): boolean {
  const { namespace, slot } = agent;
  const { arena } = namespace;
  arena.beginMove(slot);
  // OBSERVE kept -> item
  const taken = take();
  if (taken) agent.unkeep(names);
  arena.endMove(slot);
  return taken;
}
