/**
 * Makes and drops locks by the thousand (run with --expose-gc); prints the bytes of shared memory
 * as it goes.
 */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Lock } from 'lockstep';

const base = process.env.LOCKSTEP_DIR ?? '';
const bytes = (): number =>
  readdirSync(base, { recursive: true, encoding: 'utf8' })
    .map((file) => statSync(join(base, file)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);

const kept = new Lock();
const start = bytes();
for (let i = 0; i < 20_000; i++) new Lock().close();
const closed = bytes();
for (let round = 0; round < 40; round++) {
  for (let i = 0; i < 500; i++) new Lock();
  (globalThis as { gc?: () => void }).gc?.();
  await setImmediate();
}
const collected = bytes();
kept.acquireSync().release();
console.log(JSON.stringify({ start, closed, collected }));
