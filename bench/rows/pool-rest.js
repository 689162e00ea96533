// @ts-check
/**
 * What a Pool costs while nothing runs in it:
 *
 * - pool-idle: wake-ups a second of an idle worker, over 5 s: the voluntary context switches of all
 *   its threads, counted by the kernel. V8's memory reducer is off in it, as in idle.js
 * - pool-queued: bytes of this process's heap for each of a million calls of `apply` that wait, and
 *   whose promises are kept
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Pool } from 'lockstep';
import { OURS } from '../figures.js';
import { lastForever, pid, same } from '../programs/pool-tasks.js';

/** Milliseconds until a worker has come to rest, and a spare is made; and over which is counted. */
const SETTLED = 2000;
const COUNTED = 5000;
const CALLS = 1_000_000;

/** @param {number} process */
function wakeUps(process) {
  let sum = 0;
  for (const task of readdirSync(`/proc/${process}/task`)) {
    const status = readFileSync(`/proc/${process}/task/${task}/status`, 'utf8');
    sum += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
  }
  return sum;
}

async function idle() {
  // A worker has the options of this process.
  process.execArgv.push('--no-memory-reducer');
  const pool = new Pool(1);
  const worker = await pool.apply(pid);
  await sleep(SETTLED);
  const before = wakeUps(worker);
  await sleep(COUNTED);
  const woken = wakeUps(worker) - before;
  await pool.terminate();
  return (woken * 1000) / COUNTED;
}

function heapInUse() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

async function queued() {
  const pool = new Pool(1);
  // The only worker has enough to do.
  const calls = [pool.apply(lastForever)];
  for (let n = 0; n < 1000; n++) calls.push(pool.apply(same, [n]));
  await sleep(SETTLED);
  // The list is the program's, and is there before.
  const waiting = Array.from({ length: CALLS }, () => calls[0]);
  const before = heapInUse();
  for (let n = 0; n < CALLS; n++) waiting[n] = pool.apply(same, [n]);
  const after = heapInUse();
  const ended = Promise.allSettled([...calls, ...waiting]);
  await pool.terminate();
  await ended;
  return (after - before) / CALLS;
}

/** @param {string} row */
export const prepare = (row) => [{ name: OURS, cold: true, measure: row === 'pool-idle' ? idle : queued }];
