/**
 * ExtraWords: further words of an object that needs more than its own cell has. They are a chain
 * of cells, four words each, that hangs on it and is freed with it (arena.ts).
 */

import { load, store } from '#atomics';
import type { Host } from '../agents/cell.ts';
import type { Kind } from '../agents/kinds.ts';
import { defineKind } from '../agents/kinds.ts';
import type { Words } from '../memory/atomics.ts';
import { damaged } from '../memory/damage.ts';
import {
  CELL_HEADER,
  FIRST_LINK,
  header,
  KIND,
  kindOf,
  LINK_NEXT,
  LINK_OWNER,
  LINK_WORDS,
  MOST_EXTRA_WORDS,
  PHASE_CLAIMED,
  WORDS_PER_LINK,
} from '../memory/layout.ts';
import type { Place } from '../memory/place.ts';
import type { NamespaceView } from '../namespaces/view.ts';

/** A cell of a chain. It belongs to no agent, and is freed with the object. */
export const LINK_KIND: Kind = defineKind({ number: KIND.LINK, name: 'link' });

/** One word. */
export interface ExtraWord {
  readonly words: Words;
  readonly at: number;
}

/** Hangs cells for `count` words on an object that is just being made. */
export function makeExtraWords({ words, at, number }: Place, count: number, { namespace, slot }: Host): void {
  const { arena } = namespace;
  const made: Place[] = [];
  let link = { words, at: at + FIRST_LINK };
  while (made.length * WORDS_PER_LINK < count) {
    const cell = arena.claim(LINK_KIND.bits, slot);
    store(cell.words, cell.at + LINK_OWNER, number);
    store(link.words, link.at, cell.number);
    made.push(cell);
    link = { words: cell.words, at: cell.at + LINK_NEXT };
  }
  // From now on they are the object's, not this agent's.
  for (const cell of made) store(cell.words, cell.at + CELL_HEADER, header(PHASE_CLAIMED, LINK_KIND.bits, 0));
}

/**
 * Calls `visit` for the first `count` words that hang on the object. Returns whether there are as
 * many: where the chain is damaged it ends early.
 */
export function eachExtraWord(
  namespace: NamespaceView,
  { words, at, number }: Place,
  count: number,
  visit: (word: ExtraWord) => void,
): boolean {
  let left = Math.min(count, MOST_EXTRA_WORDS);
  for (let next = load(words, at + FIRST_LINK); left > 0; ) {
    const cell = namespace.arena.find(next);
    if (cell === undefined || !belongsTo(cell, number)) return false;
    for (let index = 0; index < WORDS_PER_LINK && left > 0; index++, left--) {
      visit({ words: cell.words, at: cell.at + LINK_WORDS + index });
    }
    next = load(cell.words, cell.at + LINK_NEXT);
  }
  return count >= 0 && count <= MOST_EXTRA_WORDS;
}

/**
 * The first `count` words that hang on the object. Throws `LayoutError` where there are fewer, or
 * can't be as many.
 */
export function extraWordsOf(
  namespace: NamespaceView,
  place: Place,
  count: number,
  title: string,
): ExtraWord[] {
  const found: ExtraWord[] = [];
  if (eachExtraWord(namespace, place, count, (word) => found.push(word))) return found;
  throw damaged(
    title,
    `its cells should hold ${count} words (at most ${MOST_EXTRA_WORDS}), and ${found.length} were found`,
  );
}

function belongsTo({ words, at }: Place, owner: number): boolean {
  return kindOf(load(words, at + CELL_HEADER)) === KIND.LINK && load(words, at + LINK_OWNER) === owner;
}
