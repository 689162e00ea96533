/** What the scenarios of pools share: words, rings and ghosts. */

import type { Lock } from 'lockstep';
import { load } from '../../atomics.ts';
import type { Ring, TaskTable, Words } from '../../internals.ts';
import { cellWord } from '../../internals.ts';
import type { Library } from '../../library.ts';
import type { Scenario } from '../../scenario.ts';
import type { State } from '../../state.ts';
import { aLock, cellOf } from '../objects.ts';
import { layRings, putWords, ringsAt, takeWords } from '../rings.ts';

export interface Things {
  words: Words;
  /** At its cell sleeps a worker whose task waits. */
  bed: Lock;
  table: TaskTable;
  ring: Ring;
  /** The rings of results, by worker. */
  results: Ring[];
  /** The workers' own rings of tasks. */
  own: Ring[];
}

/** Words of the control segment that no cell of a scenario needs. */
const AT: number = cellWord(800);
const WORKERS = 3;
export const SIZE = { slots: 3, functionBytes: 0 };
const RING_AT: number = cellWord(850);
/** The pool's, and for each worker one of results and one of tasks. */
const RINGS: number = 1 + 2 * WORKERS;
const CAPACITY = 128;
/** Ticket, task and attempt. */
const ITEM_WORDS = 3;

// Ghosts, by task.
/** Bit a: attempt a has started. */
export const STARTED = 0;
/** The newest attempt, from 1 on. */
export const ATTEMPT = 4;
export const OUTCOME = 8;
/** By item of a chunk: how often it ran. */
export const ITEMS = 12;
// Bits by actor.
export const ENDED = 18;
export const DOOMED = 19;
export const ASLEEP = 20;
export const WOKEN = 21;
/** Four bits an actor: 1 + the slot of which it has an item. */
export const HOLDS = 22;
/** Four bits a task: bit a: the result of attempt a is in a ring. */
export const PUT = 23;
/** Place of the bits of `DOOMED` that say that an actor has called `process.abort`. */
export const ABORTED = 8;

export const RESULT = 1;
export const LOST = 2;
export const WITHDRAWN = 3;
export const GIVEN_UP = 4;

/** An item as it was taken. */
export interface Item {
  readonly ticket: number;
  readonly task: number;
  readonly attempt: number;
}

const GENERATION_BITS = 19;
export const LAST_GENERATION: number = 2 ** GENERATION_BITS - 1;

export function things(share: Parameters<Scenario<Things>['things']>[0], lib: Library): Things {
  const lock = share(
    () => {
      const made = aLock((make) => make(), lib);
      const words = cellOf(made).agent.namespace.words;
      lib.TaskTable.init(words, WORKERS, SIZE, AT);
      layRings(lib, words, RING_AT, RINGS, CAPACITY);
      return made;
    },
    (handle) => lib.Lock.open(handle),
  );
  const { words } = cellOf(lock).agent.namespace;
  const rings = ringsAt(lib, words, RING_AT, RINGS);
  const table = new lib.TaskTable(words, AT);
  return { words, bed: lock, table, ring: rings[0]!, results: rings, own: rings.slice(WORKERS) };
}

export function put(words: Words, ring: Ring, { ticket, task, attempt }: Item): void {
  putWords(words, ring, [ticket, task, attempt]);
}

export function take(words: Words, ring: Ring): Item | undefined {
  const item = takeWords(words, ring, ITEM_WORDS);
  if (item === undefined) return undefined;
  const [ticket = 0, task = 0, attempt = 0] = item;
  return { ticket, task, attempt };
}

export const slotOf = (ticket: number): number => ticket >> GENERATION_BITS;
export const generationOf = (ticket: number): number => ticket & (2 ** GENERATION_BITS - 1);
export const has = (ghosts: State, word: number, actor: number): boolean =>
  (ghosts[word]! & (1 << actor)) !== 0;

/** Where the number of a chunk's first item lies: the payload of its task. */
export const FIRSTS: number = cellWord(849);

export function firstItem(words: Words, task: number): number {
  return load(words, FIRSTS + task);
}

export const base: Pick<Scenario<Things>, 'things' | 'mayWait'> = { things, mayWait: () => true };
