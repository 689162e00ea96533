// @ts-check
/**
 * How often a process wakes up that only waits for a lock, which another process holds. The figure
 * is wake-ups a second over 5 s: the voluntary context switches of its main thread, counted by the
 * kernel.
 *
 * V8's memory reducer is off in that process: a garbage collection in small steps, which wakes up
 * any idle program of Node about ten times in its first half minute, in bursts eight seconds apart.
 *
 *   idle-awaiting   it awaits `acquire`
 *   idle-blocked    it is blocked in `acquireSync`
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Event, Lock, Process } from 'lockstep';
import { end } from '../children.js';
import { OURS } from '../figures.js';

/** Milliseconds until a wait has settled, and over which is counted. */
const SETTLED = 1000;
const COUNTED = 5000;

/** An option of Node for the process that waits. */
const WITHOUT_REDUCER = '--no-memory-reducer';

/** @param {Lock} lock @param {Event} begun */
export async function awaits(lock, begun) {
  begun.set();
  await lock.acquire();
}

/** @param {Lock} lock @param {Event} begun */
export function blocks(lock, begun) {
  begun.set();
  lock.acquireSync();
}

/** @param {number | undefined} pid */
function wakeUps(pid) {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}

/** @param {string} row */
export function prepare(row) {
  const lock = new Lock();
  const begun = new Event();
  lock.acquireSync();
  // A child process has the options of this one.
  process.execArgv.push(WITHOUT_REDUCER);
  const target = row === 'idle-awaiting' ? awaits : blocks;
  const waiter = new Process({ target, args: [lock, begun], daemon: true });
  waiter.start();
  return [
    {
      name: OURS,
      cold: true,
      async measure() {
        await begun.wait();
        await sleep(SETTLED);
        const before = wakeUps(waiter.pid ?? undefined);
        await sleep(COUNTED);
        return ((wakeUps(waiter.pid ?? undefined) - before) * 1000) / COUNTED;
      },
      close: () => end(waiter),
    },
  ];
}
