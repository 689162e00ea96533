/** The workers of the scenarios of pools. */

import type { Actor, Tools } from '../../scenario.ts';
import type { State } from '../../state.ts';
import { cellOf } from '../objects.ts';
import type { Item, Things } from './things.ts';
import {
  ABORTED,
  ASLEEP,
  ATTEMPT,
  DOOMED,
  ENDED,
  firstItem,
  generationOf,
  HOLDS,
  has,
  ITEMS,
  OUTCOME,
  PUT,
  put,
  STARTED,
  slotOf,
  take,
  WITHDRAWN,
} from './things.ts';

function holds(ghosts: State, actor: number, slot: number): void {
  ghosts[HOLDS] = (ghosts[HOLDS]! & ~(15 << (actor * 4))) | ((slot + 1) << (actor * 4));
}

/** Takes an item and runs its task. `none`: there is no item. `doomed`: it takes no other. */
export function work(
  tools: Tools<Things>,
  me: number,
  hasOwn = false,
): 'none' | 'dropped' | 'ran' | 'doomed' {
  const { things, note, check, pause } = tools;
  const { words, table, ring, results, own } = things;
  const isOwn = hasOwn && table.workers.privateRing(me) !== undefined;
  const item = (isOwn ? take(words, own[me]!) : undefined) ?? take(words, ring);
  if (item === undefined) return 'none';
  const { ticket, task, attempt } = item;
  const slot = slotOf(ticket);
  note((ghosts) => holds(ghosts, me, slot));
  const claimed = table.claim(slot, generationOf(ticket), me);
  note((ghosts) => {
    holds(ghosts, me, -1);
    if (!claimed) {
      const isStale = ghosts[ATTEMPT + task] !== attempt || ghosts[OUTCOME + task] === WITHDRAWN;
      check(isStale, `the item of task ${task} is dropped, and it has no other`);
      return;
    }
    check(!has(ghosts, DOOMED, me), `worker ${me} has begun a task, and was about to be killed`);
    check(!has(ghosts, STARTED + task, attempt), `attempt ${attempt} of task ${task} has started twice`);
    check(ghosts[ATTEMPT + task] === attempt, `attempt ${attempt} of task ${task} was taken back, and runs`);
    check(ghosts[OUTCOME + task] !== WITHDRAWN, `task ${task} was withdrawn, and runs`);
    ghosts[STARTED + task]! |= 1 << attempt;
  });
  if (!claimed) return 'dropped';
  const { end } = table.cursor(slot);
  if (end === 0) pause();
  else runItems(tools, item);
  put(words, results[me]!, item);
  note((ghosts) => {
    ghosts[PUT]! |= 1 << (task * 4 + attempt);
  });
  return table.finish(slot, generationOf(ticket), me) ? 'ran' : 'doomed';
}

function runItems({ things: { table, words }, note, check }: Tools<Things>, { ticket, task }: Item): void {
  const slot = slotOf(ticket);
  const first = firstItem(words, task);
  for (;;) {
    const claimed = table.claimItems(slot, 1);
    if (claimed === undefined) return;
    note((ghosts) => {
      const item = ITEMS + first + claimed.from;
      check(ghosts[item] === 0, `item ${first + claimed.from} runs twice`);
      ghosts[item] = 1;
    });
  }
}

/** Works until no item is left, at most so often; with its own ring, if it has one. */
export const works = (times: number, hasOwn = false): Actor<Things> => ({
  run(tools) {
    const { me, note } = tools;
    for (let time = 0; time < times; time++) {
      const how = work(tools, me, hasOwn);
      if (how === 'none' || how === 'doomed') break;
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << me;
    });
  },
});

/** Runs a task that waits until it is asked to stop. */
export const waitsForAbort: Actor<Things> = {
  run(tools) {
    const { lib, me, note, things } = tools;
    const { words, table, ring, results, bed } = things;
    const item = take(words, ring);
    if (item !== undefined) {
      const [slot, generation] = [slotOf(item.ticket), generationOf(item.ticket)];
      if (table.claim(slot, generation, me)) {
        note((ghosts) => {
          ghosts[STARTED + item.task]! |= 1 << item.attempt;
        });
        const isAborted = (): boolean => table.isAborted(slot, generation);
        const wait = new lib.Gate(cellOf(bed)).waitFor(isAborted, isAborted);
        if (!isAborted()) lib.takeBlocking(cellOf(bed), wait, lib.Deadline.NEVER);
        put(words, results[me]!, item);
        table.finish(slot, generation, me);
      }
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << me;
    });
  },
};

/** Begins a task, and ends its process by `process.abort`. */
export const aborts: Actor<Things> = {
  run(tools) {
    const { me, note, things, pause } = tools;
    const { words, table, ring } = things;
    const item = take(words, ring);
    if (item !== undefined && table.claim(slotOf(item.ticket), generationOf(item.ticket), me)) {
      table.workers.noteAbort(me);
      note((ghosts) => {
        ghosts[STARTED + item.task]! |= 1 << item.attempt;
        ghosts[DOOMED]! |= 1 << (me + ABORTED);
      });
      pause();
    }
    note((ghosts) => {
      ghosts[ENDED]! |= 1 << (me + 8);
    });
  },
};

/** Sleeps where there is nothing, as a worker does: `woken` is all that its bell brings about. */
export const sleeps: Actor<Things> = {
  run(tools) {
    const { me, note, things } = tools;
    const { table, ring } = things;
    while (work(tools, me) !== 'none');
    table.workers.setIdle(me);
    if (!ring.empty) {
      table.workers.clearIdle(me);
      while (work(tools, me) !== 'none');
      return;
    }
    note((ghosts) => {
      ghosts[ASLEEP]! |= 1 << me;
    });
  },
};

/** The same, with its own ring. */
export const sleepsWithOwn: Actor<Things> = {
  run(tools) {
    const { me, note, things } = tools;
    const { table, own } = things;
    const isEmpty = (): boolean => table.workers.privateRing(me) === undefined || own[me]!.empty;
    for (;;) {
      while (work(tools, me, true) !== 'none');
      table.workers.setIdle(me);
      if (isEmpty()) break;
      table.workers.clearIdle(me);
    }
    note((ghosts) => {
      ghosts[ASLEEP]! |= 1 << me;
    });
  },
};
