// @ts-check
/**
 * A process that holds a lock is SIGKILLed while another waits for it: ms from the kill to the
 * moment the waiter has it.
 *
 *   recovery-unrelated   the holder is a plain `node` program that took the Lock by its name; the
 *                        waiter awaits
 *   recovery-child       the holder is a Process of the waiter, which awaits
 *   recovery-blocked     the holder as in recovery-unrelated; the waiter is a third process,
 *                        blocked in acquireSync
 *
 * Peer: proper-lockfile as it comes, which calls a lock stale when it was not touched for 10 s. Its
 * waiter asks every 10 ms, so that the asking adds nothing to speak of.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Event, Lock, Process, Semaphore, Value } from 'lockstep';
import lockfile from 'proper-lockfile';
import { end } from '../children.js';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';

/** Long enough for a waiter to be asleep, past any spinning. */
const UNTIL_ASLEEP = 60;

const namespace = `bench-${process.pid}`;
const name = 'held';

/**
 * Starts a program that prints a line when it holds the lock.
 * @param {string} program
 * @param {string[]} args
 */
async function startHolder(program, ...args) {
  const path = fileURLToPath(new URL(`../programs/${program}`, import.meta.url));
  const holder = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  return holder;
}

/** @param {boolean} recovered */
function mustBeRecovered(recovered) {
  if (!recovered) throw new Error('the lock was free already, or the hold does not say that its holder died');
}

function unrelated() {
  const lock = new Lock({ name, namespace });
  return {
    name: OURS,
    async measure() {
      const holder = await startHolder('hold-lock.js', name, namespace);
      const acquired = lock.acquire().then((hold) => ({ hold, at: monotonicMs() }));
      await sleep(UNTIL_ASLEEP);
      const from = monotonicMs();
      holder.kill('SIGKILL');
      const { hold, at } = await acquired;
      mustBeRecovered(hold.recovered);
      hold.release();
      return at - from;
    },
    close: () => lock.close(),
  };
}

/** @param {Lock} lock @param {Event} held */
export async function hold(lock, held) {
  lock.acquireSync();
  held.set();
  await sleep(60_000);
}

function child() {
  return {
    name: OURS,
    async measure() {
      const lock = new Lock();
      const held = new Event();
      const holder = new Process({ target: hold, args: [lock, held], daemon: true });
      holder.start();
      await held.wait();
      const acquired = lock.acquire().then((hold) => ({ hold, at: monotonicMs() }));
      await sleep(UNTIL_ASLEEP);
      const from = monotonicMs();
      holder.kill();
      const { hold: next, at } = await acquired;
      mustBeRecovered(next.recovered);
      next.release();
      await holder.join();
      return at - from;
    },
  };
}

/**
 * @param {Lock} lock
 * @param {Semaphore} go
 * @param {Semaphore} done
 * @param {Value<'f64'>} at
 */
export function takeNext(lock, go, done, at) {
  for (;;) {
    go.acquireSync();
    const next = lock.acquireSync();
    at.value = next.recovered ? monotonicMs() : Number.NaN;
    next.release();
    done.release();
  }
}

function blocked() {
  const lock = new Lock({ name, namespace });
  const go = new Semaphore(0);
  const done = new Semaphore(0);
  const at = new Value('f64', 0, { lock: false });
  const waiter = new Process({ target: takeNext, args: [lock, go, done, at], daemon: true });
  waiter.start();
  return {
    name: OURS,
    async measure() {
      const holder = await startHolder('hold-lock.js', name, namespace);
      go.release();
      await sleep(UNTIL_ASLEEP);
      const from = monotonicMs();
      holder.kill('SIGKILL');
      await done.acquire();
      mustBeRecovered(!Number.isNaN(at.value));
      return at.value - from;
    },
    close: () => end(waiter),
  };
}

function lockFile() {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  const file = join(folder, 'guarded');
  writeFileSync(file, '');
  return {
    name: 'proper-lockfile',
    rounds: 1,
    cold: true,
    async measure() {
      const holder = await startHolder('hold-lockfile.js', file);
      const retries = { forever: true, minTimeout: 10, maxTimeout: 10, factor: 1 };
      const acquired = lockfile.lock(file, { retries }).then((release) => ({ release, at: monotonicMs() }));
      await sleep(UNTIL_ASLEEP);
      const from = monotonicMs();
      holder.kill('SIGKILL');
      const { release, at } = await acquired;
      await release();
      return at - from;
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

/** @param {string} row */
export function prepare(row) {
  if (row === 'recovery-unrelated') return [unrelated(), lockFile()];
  return [row === 'recovery-child' ? child() : blocked()];
}
