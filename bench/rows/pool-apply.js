// @ts-check
/**
 * `apply` of a function that returns its small argument, by pools of 2 workers:
 *
 * - pool-apply, pool-apply-threads: 256 calls in flight, calls a second
 * - pool-statistics: as pool-apply; its peer is a pool with `statistics: false`
 * - pool-trip: one call after the other, microseconds each
 *
 * CPython has `imap` with a chunk size of 1 in the place of `apply`.
 */
import { fileURLToPath } from 'node:url';
import { Pool, ThreadPool } from 'lockstep';
import Piscina from 'piscina';
import Tinypool from 'tinypool';
import workerpool from 'workerpool';
import { OURS } from '../figures.js';
import { python } from '../peers.js';
import { same } from '../programs/pool-tasks.js';

const WORKERS = 2;
const IN_FLIGHT = 256;
const CALLS = 20_000;
const TRIPS = 3000;
const filename = new URL('../programs/pool-tasks.js', import.meta.url).href;

/** @typedef {{ call: (n: number) => Promise<unknown>, close: () => unknown }} Caller */

/** @param {'processes' | 'threads'} kind @param {boolean} [statistics] @returns {Caller} */
function lockstep(kind, statistics = true) {
  const options = { processes: WORKERS, statistics };
  const pool = kind === 'processes' ? new Pool(options) : new ThreadPool(options);
  return { call: (n) => pool.apply(same, [n]), close: () => pool.terminate() };
}

/** @returns {Caller} */
function piscina() {
  const pool = new Piscina({
    filename,
    name: 'same',
    minThreads: WORKERS,
    maxThreads: WORKERS,
    atomics: 'sync',
    recordTiming: false,
  });
  return { call: (n) => pool.run(n), close: () => pool.destroy() };
}

/** @param {'child_process' | 'worker_threads'} runtime @returns {Caller} */
function tinypool(runtime) {
  const pool = new Tinypool({ filename, name: 'same', runtime, minThreads: WORKERS, maxThreads: WORKERS });
  return { call: (n) => pool.run(n), close: () => pool.destroy() };
}

/** @returns {Caller} */
function workerpoolProcesses() {
  const script = fileURLToPath(new URL('../programs/workerpool-tasks.js', import.meta.url));
  const pool = workerpool.pool(script, { workerType: 'process', minWorkers: WORKERS, maxWorkers: WORKERS });
  return { call: (n) => pool.exec('same', [n]), close: () => pool.terminate() };
}

/** @param {Caller} caller */
async function callsASecond({ call }) {
  let next = 0;
  const flow = async () => {
    while (next < CALLS) {
      const n = next++;
      if ((await call(n)) !== n) throw new Error(`call ${n} has given something else`);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, flow));
  return (CALLS * 1000) / (performance.now() - start);
}

/** @param {Caller} caller */
async function microsecondsEach({ call }) {
  const start = performance.now();
  for (let n = 0; n < TRIPS; n++) await call(n);
  return ((performance.now() - start) * 1000) / TRIPS;
}

/** @param {string} row */
export function prepare(row) {
  const measure = row === 'pool-trip' ? microsecondsEach : callsASecond;
  /** @param {string} name @param {Caller} caller */
  const side = (name, caller) => ({ name, measure: () => measure(caller), close: caller.close });
  if (row === 'pool-statistics') {
    const without = lockstep('processes', false);
    return [side(OURS, lockstep('processes')), side('statistics: false', without)];
  }
  const sides = [
    side(OURS, lockstep(row === 'pool-apply-threads' ? 'threads' : 'processes')),
    side('piscina', piscina()),
    side('tinypool processes', tinypool('child_process')),
    side('tinypool threads', tinypool('worker_threads')),
    side('workerpool processes', workerpoolProcesses()),
  ];
  return row === 'pool-trip' ? sides : [...sides, python('CPython Pool.imap', 'pool-imap', 2 * CALLS)];
}
