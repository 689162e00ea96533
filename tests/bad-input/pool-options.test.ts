/**
 * Every option of a pool and of its calls, with values that it can't have: each is refused with a
 * coded error that begins with the operation and names the option. Values at the edge are taken.
 */

import '../support/sandbox.ts';
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pool, ThreadPool } from 'lockstep';
import * as targets from '../support/pool-targets.ts';
import type { AnyPool } from '../support/pools.ts';
import { HANG_MS } from '../support/until.ts';

const NO_NUMBERS: readonly unknown[] = ['2', null, {}, [], true, 5n, Symbol('two'), () => 2, Number.NaN];
const NO_TIMES: readonly unknown[] = [...NO_NUMBERS, -1, Number.NEGATIVE_INFINITY];
const NO_COUNTS: readonly unknown[] = [...NO_TIMES, 1.5, 2 ** 31, Number.POSITIVE_INFINITY];
const NO_SIZES: readonly unknown[] = [...NO_COUNTS, 0];
const NO_FUNCTIONS: readonly unknown[] = [5, 'add', null, {}, Symbol('fn'), targets.Point.prototype];
const NO_FLAGS: readonly unknown[] = [1, 0, 'true', null, {}, Number.NaN];
const NO_SIGNALS: readonly unknown[] = [1, 'abort', null, {}, new AbortController()];
const NO_KEYS: readonly unknown[] = [null, {}, true, 5n, Symbol('key'), Number.NaN];
const NO_LISTS: readonly unknown[] = ['x', 5, null, {}, new Set()];

type Wrong = Readonly<Record<string, readonly unknown[]>>;

const OF_POOLS: Wrong = {
  name: [5, '', null, {}, Symbol('name')],
  initializer: NO_FUNCTIONS,
  initArgs: NO_LISTS,
  finalizer: NO_FUNCTIONS,
  initTimeout: NO_TIMES,
  idleTimeout: NO_TIMES,
  grace: NO_TIMES,
  timeout: NO_TIMES,
  maxMemoryPerChild: NO_TIMES,
  concurrency: NO_SIZES,
  maxQueue: NO_SIZES,
  maxTasksPerChild: NO_SIZES,
  retries: NO_COUNTS,
  statistics: NO_FLAGS,
};
/** An object counts as `{ min, max }`. */
const NO_WORKERS: readonly unknown[] = [
  ...NO_COUNTS,
  256,
  { min: 1 },
  { max: 2 },
  { min: 3, max: 2 },
  { min: -1, max: 2 },
  { min: 0, max: 0 },
  { min: 0.5, max: 2 },
  { min: 1, max: 2 ** 31 },
  { min: Number.NaN, max: 2 },
  { min: 1, max: '2' },
];
const OF_TASKS: Wrong = {
  signal: NO_SIGNALS,
  timeout: NO_TIMES,
  queueTimeout: NO_TIMES,
  retries: NO_COUNTS,
  priority: NO_NUMBERS,
  key: NO_KEYS,
  onReport: NO_FUNCTIONS,
  transfer: NO_LISTS,
};
const OF_STREAMS: Wrong = {
  signal: NO_SIGNALS,
  timeout: NO_TIMES,
  priority: NO_NUMBERS,
  key: NO_KEYS,
  ahead: NO_SIZES,
};
const OF_BROADCASTS: Wrong = { signal: NO_SIGNALS, timeout: NO_TIMES, settled: NO_FLAGS };
const OF_ITERATORS: Wrong = {
  signal: NO_SIGNALS,
  timeout: NO_TIMES,
  retries: NO_COUNTS,
  priority: NO_NUMBERS,
  chunkSize: NO_SIZES,
  ahead: NO_SIZES,
};
const OF_MAPS: Wrong = {
  signal: NO_SIGNALS,
  timeout: NO_TIMES,
  retries: NO_COUNTS,
  priority: NO_NUMBERS,
  chunkSize: NO_SIZES,
  stopOnError: NO_FLAGS,
  settled: NO_FLAGS,
  onProgress: NO_FUNCTIONS,
  progress: [5, 'Rows', null, Symbol('bar')],
};
/** A negative time is over already, as in Python. */
const OF_WAITS: Wrong = { timeout: NO_NUMBERS, signal: NO_SIGNALS };

/** Calls of a pool, each with its options. */
const CALLS: Record<string, [Wrong, (pool: AnyPool, options: never) => unknown]> = {
  apply: [OF_TASKS, (pool, options) => pool.apply(targets.add, [1, 2], options)],
  applySync: [OF_TASKS, (pool, options) => pool.applySync(targets.add, [1, 2], options)],
  submit: [OF_TASKS, (pool, options) => pool.submit(targets.add, [1, 2], options)],
  wrap: [OF_TASKS, (pool, options) => pool.wrap(targets.add, options)(1, 2)],
  proxy: [OF_TASKS, (pool, options) => pool.proxy(targets, options).add(1, 2)],
  group: [{ signal: NO_SIGNALS }, (pool, options) => pool.group(options)],
  broadcast: [OF_BROADCASTS, (pool, options) => pool.broadcast(targets.add, [1, 2], options)],
  stream: [OF_STREAMS, (pool, options) => pool.stream(targets.countTo, [3], options)],
  map: [OF_MAPS, (pool, options) => pool.map(targets.square, [1], options)],
  mapSync: [OF_MAPS, (pool, options) => pool.mapSync(targets.square, [1], options)],
  starmap: [OF_MAPS, (pool, options) => pool.starmap(targets.add, [[1, 2]], options)],
  each: [OF_MAPS, (pool, options) => pool.each(targets.square, [1], options)],
  imap: [OF_ITERATORS, (pool, options) => pool.imap(targets.square, [1], options)],
  imapUnordered: [OF_ITERATORS, (pool, options) => pool.imapUnordered(targets.square, [1], options)],
  room: [OF_WAITS, (pool, options) => pool.room(options)],
  close: [{ cancelQueued: NO_FLAGS }, (pool, options) => pool.close(options)],
};

const CODES = /^ERR_LOCKSTEP_(INVALID_TYPE|OUT_OF_RANGE)$/;

/** Checks that the call refuses the options, whether it throws or rejects. */
async function refuses(begin: () => unknown, kind: string, option: string, value: unknown): Promise<void> {
  const what = `${option}: ${String(typeof value === 'object' ? JSON.stringify(value) : String(value))}`;
  await assert.rejects(
    async () => await begin(),
    (error: Error & { code?: string }) => {
      assert.match(error.code ?? '', CODES, `${what}: ${error}`);
      assert.ok(error.message.startsWith(kind), `${what}: ${error.message}`);
      assert.ok(error.message.includes(option), `${what}: ${error.message}`);
      return true;
    },
    what,
  );
}

for (const [kind, Kind] of Object.entries({ Pool, ThreadPool })) {
  describe(`${kind} refuses`, { timeout: HANG_MS }, () => {
    const count = kind === 'Pool' ? 'processes' : 'threads';
    const own: Wrong = { [count]: NO_WORKERS, ...(kind === 'Pool' && { warm: NO_COUNTS }) };
    it('wrong options', async () => {
      for (const [option, values] of Object.entries({ ...OF_POOLS, ...own }))
        for (const value of values)
          await refuses(() => new Kind({ [option]: value } as never), kind, option, value);
      for (const options of ['2', null, true, 5n, -1, 1.5, Number.NaN, 2 ** 31])
        await refuses(() => new Kind(options as never), kind, '', options);
    });

    it('wrong options of calls, and runs nothing', async () => {
      await using pool = new Kind({ [count]: 1 } as never) as AnyPool;
      for (const [method, [wrong, call]] of Object.entries(CALLS)) {
        for (const [option, values] of Object.entries(wrong))
          for (const value of values)
            await refuses(
              () => call(pool, { [option]: value } as never),
              // As all waits of the library say it.
              method === 'room' ? option : kind,
              option,
              value,
            );
        for (const options of [5, 'x', null, true])
          await refuses(
            () => call(pool, options as never),
            method === 'room' ? '' : kind,
            '',
            `${method}(…, ${options})`,
          );
      }
      const { done, failed, queued, handedOut } = pool.stats;
      assert.deepEqual([done, failed, queued, handedOut], [0, 0, 0, 0]);
      assert.equal(await pool.apply(targets.add, [1, 2]), 3);
    });

    it('no value at the edge: times of any length, and infinite ones', async () => {
      for (const long of [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY]) {
        const times = { initTimeout: long, idleTimeout: long, grace: long, timeout: long };
        const options = { [count]: 1, ...times, maxMemoryPerChild: long, initializer: targets.plainState };
        await using pool = new Kind(options as never) as AnyPool;
        const task = { timeout: long, queueTimeout: long };
        assert.equal(await pool.apply(targets.later, [long, 3], task), long);
        assert.deepEqual(await pool.map(targets.square, [2, 3], { timeout: long }), [4, 9]);
        await pool.close();
        assert.equal(await pool.join({ timeout: long }), true);
      }
    });
  });
}
