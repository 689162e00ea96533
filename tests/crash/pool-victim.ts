/**
 * A program with a pool that dies at its k-th point, or comes to its end:
 *
 *   node --conditions=lockstep-crash pool-victim.js K
 */

import { writeSync } from 'node:fs';
import { Pool, RawArray, Shared } from 'lockstep';
import { arm, disarm } from './countdown.ts';
import * as targets from './pool-tasks.ts';

const pool = new Pool(2);
await pool.ready;
arm(Number(process.argv[2]), (point) => writeSync(1, `died in ${point}\n`));
await Promise.all([1, 2, 3].map((n) => pool.apply(targets.square, [n])));
// Nobody is woken for this call while the worker that ran the last one is awake.
await pool.apply(targets.square, [4]);
await Promise.all([1, 2, 3].map((n) => pool.apply(targets.square, [n], { key: n % 2 })));
await pool.map(targets.square, [1, 2, 3, 4, 5, 6]);
const counts = new RawArray('i32', 1);
for await (const n of pool.stream(targets.give, [counts, 5], { ahead: 2 })) if (n === 3) break;
counts.close();
const table = new Shared({ texts: ['one', 'two'] });
await pool.apply(targets.lengthIn, [table, 1]);
table[Symbol.dispose]();
const controller = new AbortController();
const call = pool.apply(targets.late, [], { signal: controller.signal });
controller.abort();
await call.catch(() => {});
await pool.close({ cancelQueued: true });
console.log(`passed ${disarm()}`);
