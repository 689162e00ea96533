/** Chunk sharing: how a worker that is idle gets items of a chunk that another runs. */

import type { HandOut } from './hand-out.ts';
import type { PoolTask } from './pool-task.ts';
import type { Items } from './sources.ts';

/** A chunk that is out. */
export interface Chunk {
  readonly task: PoolTask;
  readonly items: Items;
  /** Number of its first item. */
  readonly base: number;
  /** Its items before this one are reported. */
  reported: number;
  /** The number of its items, after cuts. */
  end: number;
  readonly lost: number;
}

/** Items that were cut off a running chunk. */
export interface Cut {
  readonly chunk: Chunk;
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts the second half off the running chunk with most items left; `undefined`: no chunk has any
 * left.
 */
export function cutLongest(chunks: Iterable<Chunk>, { slots, table }: HandOut): Cut | undefined {
  let most = 0;
  let longest: Chunk | undefined;
  for (const chunk of chunks) {
    if (slots.runnerOf(chunk.task) === 0) continue;
    const { next, end } = table.cursor(chunk.task.slot);
    if (end - next <= most) continue;
    most = end - next;
    longest = chunk;
  }
  if (longest === undefined) return undefined;
  // The running item is already claimed, so even a single remaining item can be moved.
  const cut = table.cut(longest.task.slot, (left) => left >> 1);
  if (cut === undefined) return undefined;
  longest.end = cut.from;
  return { chunk: longest, from: cut.from, to: cut.to };
}
