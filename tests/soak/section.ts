/**
 * Section: code that only the holder of a lock may enter. A member leaves its mark as it enters,
 * and takes it off before it releases. So a mark that is found at the entry is that of a member
 * which was killed inside, and then the lock must say `recovered`.
 */

import type { Hold } from 'lockstep';
import { type Word, word } from '../support/words.ts';
import { describeMark, isDead } from './board.ts';
import type { Flow } from './flow.ts';

export interface Section {
  /** The mark of the agent inside; 0: nobody. */
  inside: Word;
  /**
   * Recoveries without a mark: the holder was killed before it entered, or after it left.
   */
  unmarked: Word;
  /**
   * Flows that were killed while they took, held or released the lock: there can't be more such
   * recoveries.
   */
  near: Word;
}

export function makeSection(): Section {
  return { inside: word(), unmarked: word(), near: word() };
}

/** Enters with a fresh hold. Returns whether what the section guards may be half done. */
export function enter(flow: Flow, { inside, unmarked }: Section, hold: Hold, what: string): boolean {
  const found = inside.exchange(flow.mark);
  const me = describeMark(flow.mark);
  if (found !== 0 && !isDead(flow.board, found)) {
    flow.violated(`${what}: two inside, ${describeMark(found)} and ${me}, recovered=${hold.recovered}`);
  } else if (found !== 0 && !hold.recovered) {
    flow.violated(`${what}: ${describeMark(found)} was killed inside, and ${me} got recovered=false`);
  } else if (found === 0 && hold.recovered) unmarked.add(1);
  if (hold.recovered) flow.board.recoveries.add(1);
  return hold.recovered;
}

/**
 * Comes back from a condition's wait, which does not report `recovered`. The data that the section
 * guards may always be half done.
 */
export function reenter(flow: Flow, { inside }: Section, what: string): void {
  const found = inside.exchange(flow.mark);
  if (found === 0 || isDead(flow.board, found)) return;
  flow.violated(
    `${what}: two inside, ${describeMark(found)} and, back from a wait, ${describeMark(flow.mark)}`,
  );
}

/** Leaves; the hold is to be released next. */
export function leave(flow: Flow, { inside }: Section, what: string): void {
  const found = inside.compareExchange(flow.mark, 0);
  if (found === flow.mark) return;
  const who = found === 0 ? 'nobody' : describeMark(found);
  flow.violated(`${what}: ${describeMark(flow.mark)} found ${who} inside when it left`);
}

/** Reports recoveries of a lock of which no holder died. */
export function checkSection(flow: Flow, { unmarked, near }: Section, what: string): void {
  if (unmarked.value <= near.value) return;
  flow.violated(
    `${what}: recovered ${unmarked.value} times without a mark, ${near.value} were killed near it`,
  );
  near.value = unmarked.value;
}
