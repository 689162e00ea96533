// @ts-check
/**
 * From `start()` to the first line of the target, in ms: with a spare that stands ready, and
 * without one. The target's module imports Lockstep, as most do, and nothing that takes as long as
 * a start. Beside them a bare `node -e` that says when it runs its first line.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Process } from 'lockstep';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';
import { firstLine } from '../programs/first-line.js';

/** Milliseconds in which a spare's own threads, and the process before, have come to rest. */
const UNTIL_ASLEEP = 100;

/** @param {number} spares */
async function startWith(spares) {
  await Process.warm(0);
  const ready = await Process.warm(spares);
  if (ready !== spares) throw new Error(`${ready} of ${spares} spares are ready`);
  await sleep(UNTIL_ASLEEP);
  const child = new Process({ target: firstLine });
  const from = monotonicMs();
  child.start();
  const at = await child.result;
  return at - from;
}

async function bareNode() {
  await sleep(UNTIL_ASLEEP);
  const from = monotonicMs();
  const script = 'process.stdout.write(String(process.hrtime.bigint()))';
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  await once(child, 'close');
  return Number(said) / 1e6 - from;
}

export const prepare = () => [
  { name: OURS, measure: () => startWith(1), close: () => Process.warm(0) },
  { name: 'cold start', measure: () => startWith(0) },
  { name: 'bare Node', measure: bareNode },
];
