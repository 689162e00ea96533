// @ts-check
/** Resident memory of a process whose target does nothing else, and of `node -e`, in MB. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { OURS } from '../figures.js';

const program = fileURLToPath(new URL('../programs/empty-child.js', import.meta.url));
const BARE = "require('node:fs').writeSync(1, String(process.memoryUsage.rss()))";

/** @param {string[]} args */
const megabytes = (...args) => Number(execFileSync(process.execPath, args, { encoding: 'utf8' })) / 1e6;

export const prepare = () => [
  { name: OURS, cold: true, measure: () => megabytes(program, 'process', 'rss') },
  { name: 'bare Node', cold: true, measure: () => megabytes('-e', BARE) },
];
