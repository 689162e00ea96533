// @ts-check
/**
 * From `start()` to the end of `join()` of a target that does nothing, in ms: a Process beside a
 * bare `node -e ''`, a Thread beside a Worker that ends at once. The target stands in a module that
 * imports Lockstep, as most do.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Process, Thread } from 'lockstep';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';
import { nothing } from '../programs/empty-child.js';

/** @param {() => Promise<unknown>} run */
async function timed(run) {
  const from = monotonicMs();
  await run();
  return monotonicMs() - from;
}

/** @param {typeof Process | typeof Thread} Child */
async function startAndJoin(Child) {
  const child = new Child({ target: nothing });
  child.start();
  await child.join();
  if (child.exitCode !== 0) throw new Error(`the child ended with ${child.exitCode}`);
}

const bareNode = () => once(spawn(process.execPath, ['-e', ''], { stdio: 'ignore' }), 'exit');
const worker = () => once(new Worker('', { eval: true }), 'exit');

/** @param {string} row */
export const prepare = (row) =>
  row === 'start-process'
    ? [
        { name: OURS, measure: () => timed(() => startAndJoin(Process)) },
        { name: 'bare Node', measure: () => timed(bareNode) },
      ]
    : [
        { name: OURS, measure: () => timed(() => startAndJoin(Thread)) },
        { name: 'plain Worker', measure: () => timed(worker) },
      ];
