// @ts-check
/**
 * From starting `node` to its exit: a program that imports Lockstep and takes its first Lock, and
 * `node -e ''`, in ms. The figure is the difference of the two medians.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { monotonicMs } from '../clock.js';
import { OURS } from '../figures.js';

const program = fileURLToPath(new URL('../programs/first-lock.js', import.meta.url));

/** @param {string[]} args */
function runNode(...args) {
  const from = monotonicMs();
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return monotonicMs() - from;
}

export const prepare = () => [
  { name: OURS, measure: () => runNode(program) },
  { name: 'bare Node', measure: () => runNode('-e', '') },
];
