// @ts-check
/**
 * The life of a pool's workers, in ms:
 *
 * - pool-first: from `new Pool(2)` to the first result; its peer is a bare `node -e ''`
 * - pool-killed: from the SIGKILL of a worker until its task rejects
 * - pool-next: from there until the next task has run in another worker
 * - pool-abort: from `abort()` until a task that polls in a loop sees it
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, SharedArray } from 'lockstep';
import Piscina from 'piscina';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';
import { lastForever, pid, pollForAbort, same } from '../programs/pool-tasks.js';

const WORKERS = 2;
/** A worker that lives shorter is replaced later, and a spare is made in that time. */
const LIFE_MS = 1500;
const filename = new URL('../programs/pool-tasks.js', import.meta.url).href;

async function ours() {
  const start = performance.now();
  const pool = new Pool(WORKERS);
  await pool.apply(same, [1]);
  const took = performance.now() - start;
  await pool.terminate();
  return took;
}

async function piscina() {
  const start = performance.now();
  const pool = new Piscina({ filename, name: 'same', minThreads: WORKERS, maxThreads: WORKERS });
  await pool.run(1);
  const took = performance.now() - start;
  await pool.destroy();
  return took;
}

async function bareNode() {
  const start = performance.now();
  await once(spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }), 'exit');
  return performance.now() - start;
}

/** A promise of a task's first report, and the option that resolves it. */
function firstReport() {
  /** @type {(value: unknown) => void} */
  let onReport = () => {};
  const running = new Promise((resolve) => {
    onReport = resolve;
  });
  return { running, onReport };
}

/** @param {Pool} pool */
async function aborted(pool) {
  const seenAt = new SharedArray('f64', 1);
  const { running, onReport } = firstReport();
  const controller = new AbortController();
  const ended = pool.submit(pollForAbort, [seenAt], { signal: controller.signal, onReport });
  const rejected = ended.then(
    () => Promise.reject(new Error('the task has not rejected')),
    () => {},
  );
  await Promise.race([running, rejected.then(() => Promise.reject(new Error('the task has ended before')))]);
  const at = monotonicMs();
  controller.abort();
  await rejected;
  await ended.ended;
  const seen = seenAt.at(0) ?? 0;
  if (seen === 0) throw new Error('the task has ended without seeing the abort');
  return seen - at;
}

async function killed() {
  const pool = new Pool(1);
  const worker = await pool.apply(pid);
  await sleep(LIFE_MS);
  const { running, onReport } = firstReport();
  const rejected = pool.apply(lastForever, [], { onReport }).then(
    () => Promise.reject(new Error('the task has not rejected')),
    () => performance.now(),
  );
  // If the task ends before it has reported that it runs, this is not measured, and does not hang.
  await Promise.race([running, rejected.then(() => Promise.reject(new Error('the task has ended before')))]);
  const at = performance.now();
  process.kill(worker, 'SIGKILL');
  const rejectedAt = await rejected;
  const next = await pool.apply(pid);
  const nextAt = performance.now();
  if (next === worker) throw new Error('the worker that was killed has run a task');
  await pool.terminate();
  return { toReject: rejectedAt - at, toNext: nextAt - rejectedAt };
}

/** @param {string} row */
export function prepare(row) {
  if (row === 'pool-first') {
    return [
      { name: OURS, measure: ours },
      { name: 'bare Node', measure: bareNode },
      { name: 'piscina', measure: piscina },
    ];
  }
  if (row === 'pool-abort') {
    const pool = new Pool(WORKERS);
    return [{ name: OURS, measure: () => aborted(pool), close: () => pool.terminate() }];
  }
  const measure = async () => {
    const { toReject, toNext } = await killed();
    return row === 'pool-killed' ? toReject : toNext;
  };
  return [{ name: OURS, measure, cold: true }];
}
