/** Ledger: a total and each flow's share of it, with no atomicity except the lock's. */

import { type Word, word, words } from '../support/words.ts';
import { CAST } from './cast.ts';
import type { Flow } from './flow.ts';

export interface Ledger {
  total: Word;
  shares: Word[];
}

export function makeLedger(): Ledger {
  return { total: word(), shares: words(CAST.length) };
}

/**
 * Adds one to the total and to the flow's share. `mend`: the last holder may have died between the
 * two.
 */
export function addTo(flow: Flow, ledger: Ledger, mend: boolean): void {
  const { total, shares } = ledger;
  if (mend) total.value = sum(shares);
  const mine = shares[flow.seat] as Word;
  total.value = total.value + 1;
  mine.value = mine.value + 1;
}

/** Reports a total that is not the sum of the shares. */
export function checkLedger(flow: Flow, { total, shares }: Ledger, what: string): void {
  if (total.value === sum(shares)) return;
  flow.violated(`${what}: the total is ${total.value}, the shares are ${sum(shares)}`);
  total.value = sum(shares);
}

function sum(shares: readonly Word[]): number {
  return shares.reduce((total, { value }) => total + value, 0);
}
