import assert from 'node:assert/strict';
import { isMainProcess, Pool, Shared } from 'lockstep';

type Prices = Record<string, number>;

export function total(prices: Shared<Prices>, basket: string[]): number {
  return basket.reduce((sum, name) => sum + prices.value[name]!, 0);
}

if (isMainProcess) {
  using prices = new Shared<Prices>({ apple: 2, pear: 3 });
  await using pool = new Pool({ processes: 2 });
  assert.equal(await pool.apply(total, [prices, ['apple', 'pear', 'pear']]), 8);
}
