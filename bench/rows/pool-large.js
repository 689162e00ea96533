// @ts-check
/**
 * Large arguments and results, by pools of 2 workers:
 *
 * - pool-large: a Uint8Array of 1 MiB as the argument and as the result, one call after the other
 * - pool-large-threads: the same by a ThreadPool
 * - pool-large-rate: the same by a Pool, 8 calls in flight: MiB of arguments a second
 * - pool-transfer: 1 MiB moves to a thread and back
 * - pool-shared-array: a SharedArray of 64 MiB as the argument; the peer copies as many bytes
 */
import { Pool, SharedArray, ThreadPool } from 'lockstep';
import Piscina from 'piscina';
import { OURS } from '../figures.js';
import { firstOf, moved, same } from '../programs/pool-tasks.js';

const WORKERS = 2;
const MIB = 2 ** 20;
const CALLS = 200;
const IN_FLIGHT = 8;
const SHARED = 64;
const CALLS_OF_SHARED = 200;
const COPIES_OF_SHARED = 4;
const TASKS = new URL('../programs/pool-tasks.js', import.meta.url).href;
const PISCINA_TASKS = new URL('../programs/piscina-tasks.js', import.meta.url).href;

const bytes = () => new Uint8Array(MIB).fill(7);

/** @param {string} name @param {string} [filename] */
const piscina = (name, filename = TASKS) =>
  new Piscina({
    filename,
    name,
    minThreads: WORKERS,
    maxThreads: WORKERS,
    atomics: 'sync',
    recordTiming: false,
  });

/** @param {number} calls @param {() => Promise<unknown>} call */
async function microsecondsEach(calls, call) {
  const start = performance.now();
  for (let n = 0; n < calls; n++) await call();
  return ((performance.now() - start) * 1000) / calls;
}

/** @param {() => Promise<unknown>} call */
async function mibASecond(call) {
  let left = CALLS;
  const flow = async () => {
    while (left-- > 0) await call();
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, flow));
  return (CALLS * 1000) / (performance.now() - start);
}

/** @param {unknown} result */
function check(result) {
  if (!(result instanceof Uint8Array) || result.length !== MIB || result[MIB - 1] !== 7)
    throw new Error('the result is not the argument');
}

/** @param {string} row */
function large(row) {
  const argument = bytes();
  const pool = row === 'pool-large-threads' ? new ThreadPool(WORKERS) : new Pool(WORKERS);
  const peer = piscina('same');
  /** @param {() => Promise<unknown>} call */
  const measure = (call) => (row === 'pool-large-rate' ? mibASecond(call) : microsecondsEach(CALLS, call));
  return [
    {
      name: OURS,
      measure: () => measure(async () => check(await pool.apply(same, [argument]))),
      close: () => pool.terminate(),
    },
    {
      name: 'piscina',
      measure: () => measure(async () => check(await peer.run(argument))),
      close: () => peer.destroy(),
    },
  ];
}

function transferred() {
  const pool = new ThreadPool(WORKERS);
  const peer = piscina('moved', PISCINA_TASKS);
  let [ours, theirs] = [bytes(), bytes()];
  const callOurs = async () => {
    ours = await pool.apply(moved, [ours], { transfer: [ours.buffer] });
  };
  const callTheirs = async () => {
    theirs = await peer.run(theirs, { transferList: [theirs.buffer] });
  };
  return [
    {
      name: OURS,
      measure: () => microsecondsEach(CALLS, callOurs).finally(() => check(ours)),
      close: () => pool.terminate(),
    },
    {
      name: 'piscina',
      measure: () => microsecondsEach(CALLS, callTheirs).finally(() => check(theirs)),
      close: () => peer.destroy(),
    },
  ];
}

function shared() {
  const pool = new Pool(WORKERS);
  const peer = piscina('firstOf');
  const array = new SharedArray('u8', SHARED * MIB);
  const copied = new Uint8Array(SHARED * MIB);
  array.set(0, 7);
  copied[0] = 7;
  /** @param {Promise<unknown>} call */
  const checked = async (call) => {
    if ((await call) !== 7) throw new Error('the worker has seen something else');
  };
  return [
    {
      name: OURS,
      measure: () => microsecondsEach(CALLS_OF_SHARED, () => checked(pool.apply(firstOf, [array]))),
      close: () => pool.terminate(),
    },
    {
      name: 'piscina, copying',
      measure: () => microsecondsEach(COPIES_OF_SHARED, () => checked(peer.run(copied))),
      close: () => peer.destroy(),
    },
  ];
}

/** @param {string} row */
export function prepare(row) {
  if (row === 'pool-transfer') return transferred();
  return row === 'pool-shared-array' ? shared() : large(row);
}
