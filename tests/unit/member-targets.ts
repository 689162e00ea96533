/** Members of the test of their protocol. */

import { Lock } from 'lockstep';
import type { Address } from '../support/members/run.ts';
import { outcomeOf, serve } from '../support/members/serving.ts';
import type { Word } from '../support/words.ts';

export async function answers(address: Address): Promise<void> {
  const asked: Record<string, (...args: readonly unknown[]) => unknown> = {
    echo: (value) => value,
    fail: () => new Lock().release(),
    hang: () => new Promise(() => {}),
  };
  await serve(address, ({ operation, args }) => outcomeOf(() => asked[operation]!(...args)));
}

export function leavesAtOnce(): never {
  process.exit(3);
}

export async function standsBy(enough: Word, seats: Word): Promise<number> {
  const seat = seats.add(1);
  while (enough.value === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  return seat;
}
