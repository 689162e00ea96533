/** Crowd: the flows that are inside of an object that admits several. */

import { type Word, words } from '../support/words.ts';
import { isVacant } from './board.ts';
import { CAST } from './cast.ts';
import type { Flow } from './flow.ts';

export interface Crowd {
  /**
   * Of each seat: grows by one when its flow comes in, and when it goes out: odd while it is
   * inside.
   */
  passes: Word[];
}

export function makeCrowd(): Crowd {
  return { passes: words(CAST.length) };
}

export function comeIn(flow: Flow, { passes }: Crowd): void {
  (passes[flow.seat] as Word).add(1);
}

export function goOut(flow: Flow, { passes }: Crowd): void {
  (passes[flow.seat] as Word).add(1);
}

/** The seat is empty: its flow is no longer inside. */
export function vacate({ passes }: Crowd, seat: number): void {
  const mine = passes[seat] as Word;
  mine.value += mine.value % 2;
}

/** Reports more than `limit` flows of the living that are inside at once. */
export function checkCrowd(flow: Flow, { passes }: Crowd, limit: number, what: string): void {
  const before = passes.map(({ value }) => value);
  // Nobody went in or out between the two looks: so they were inside at the same time.
  if (passes.some(({ value }, seat) => value !== before[seat])) return;
  const inside = [...before.keys()].filter((seat) => Number(before[seat]) % 2 === 1);
  if (inside.length <= limit) return;
  const living = inside.filter((seat) => !isVacant(flow.board, seat));
  // A seat may have been filled again since the look at the marks, but then its mark has moved.
  if (living.length <= limit || passes.some(({ value }, seat) => value !== before[seat])) return;
  flow.violated(`${what}: ${living.length} inside at once (flows ${living.join(', ')}), ${limit} allowed`);
}
