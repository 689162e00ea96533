/**
 * Pools made and closed again and again: descriptors, mappings, memory, agents and files do not
 * become more.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Lock, Pool, ThreadPool } from 'lockstep';
import { cellsInUse, folderOf, slotsOf } from '../support/internals.ts';
import * as targets from '../support/pool-targets.ts';
import { holds } from '../support/until.ts';

const IS_DEEP = process.env.LOCKSTEP_MODEL === 'deep';
const POOLS = 20;
const ROUNDS = IS_DEEP ? 200 : 20;
/** After so many rounds all is loaded that pools need, and the folder has its first cells. */
const FIRST_ROUNDS = IS_DEEP ? 20 : 5;
/** Pools of a deep round with a process, and with a thread; the others start none. */
const WITH_WORKERS = 4;
/** The usual run has such a pool in one round of so many. */
const SELDOM = 4;
/** What V8 and malloc may take or keep, whatever is freed. Bytes. */
const SLACK = 64 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface Counts {
  readonly descriptors: number;
  /** Mappings of shared memory. */
  readonly mappings: number;
  readonly files: number;
  readonly agents: number;
  readonly cells: number;
}

function countAll(anchor: Lock): Counts {
  const folder = folderOf(anchor);
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    mappings: maps.filter((line) => line.includes(folder)).length,
    files: readdirSync(folder).length,
    agents: slotsOf(anchor, process.pid).length,
    cells: cellsInUse(anchor),
  };
}

/** Makes the pools, uses some of them, and ends them in one way or another. */
async function generation(round: number): Promise<void> {
  const processes = IS_DEEP ? WITH_WORKERS : Number(round % SELDOM === 0);
  const threads = IS_DEEP ? WITH_WORKERS : Number(round % SELDOM === 2);
  const pools = Array.from({ length: POOLS }, (_, n) => {
    if (n < processes) return new Pool({ processes: 1, warm: 0 });
    if (n < processes + threads) return new ThreadPool(1);
    return new Pool({ processes: { min: 0, max: 2 } });
  });
  const used = pools.slice(0, processes + threads);
  for (const pool of used) assert.equal(await pool.apply(targets.add, [round, 1]), round + 1);
  for (const pool of used) assert.deepEqual(await pool.map(targets.square, [1, 2, 3]), [1, 4, 9]);
  await Promise.all(pools.map((pool, n) => (n % 3 === 0 ? pool.terminate() : pool.close())));
}

test(`${POOLS} pools, made and closed ${ROUNDS} times, leave nothing`, async (t) => {
  using anchor = new Lock();
  for (let round = 0; round < FIRST_ROUNDS; round++) await generation(round);
  collect();
  const before = countAll(anchor);
  const memory = process.memoryUsage.rss();
  for (let round = 0; round < ROUNDS; round++) await generation(round);
  // The event loop closes descriptors, and the collector gives mappings back, a little later.
  const growth = (): [string, number][] => {
    collect();
    const now = countAll(anchor);
    return Object.entries(now)
      .map(([what, count]): [string, number] => [what, count - before[what as keyof Counts]])
      .filter(([, more]) => more > 0);
  };
  await holds(() => growth().length === 0);
  assert.deepEqual(growth(), [], 'there is more of it than before');
  const grown = process.memoryUsage.rss() - memory;
  t.diagnostic(`${JSON.stringify(before)}, ${Math.round(grown / 1024)} kB more`);
  assert.ok(grown < SLACK, `${grown} bytes more of memory`);
  assert.ok(existsSync(folderOf(anchor)));
});
