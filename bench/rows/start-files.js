// @ts-check
/**
 * Files of the package that an empty program opens, and that a child's process opens, as strace
 * sees it. Directories on the way don't count.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OURS } from '../figures.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = join(root, 'bench/programs');

const STRACE = ['-f', '-D', '-qq', '-e', 'trace=open,openat'];

/**
 * How many files of the package one process opens. strace distinguishes it, which traces what
 * `node` is started through.
 *
 * @param {'program' | 'child'} which
 */
function filesOpened(which) {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-bench-'));
  try {
    const log = join(folder, 'log');
    const traced = join(folder, 'node');
    const command = ['exec', 'strace', ...STRACE, '-o', log, process.execPath, '"$@"'].join(' ');
    writeFileSync(traced, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
    const { status } =
      which === 'program'
        ? spawnSync(traced, [join(programs, 'first-lock.js')])
        : spawnSync(process.execPath, [join(programs, 'empty-child.js'), 'process', 'empty', traced]);
    if (status !== 0) throw new Error(`the ${which} ended with ${status}`);
    const opened = [...readFileSync(log, 'utf8').matchAll(/"([^"]+)"/g)].map(([, path = '']) => path);
    const ours = opened.filter(
      (path) => path.startsWith(root) && /^(dist\/|build\/|package\.json)/.test(path.slice(root.length)),
    );
    // Node also looks for what is not there, such as dist/package.json.
    return new Set(ours.filter((path) => existsSync(path))).size;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} row */
export function prepare(row) {
  if (spawnSync('strace', ['--version']).error) return [{ name: OURS, missing: 'no strace here' }];
  const measure = () => filesOpened(row === 'start-files' ? 'program' : 'child');
  return [{ name: OURS, cold: true, measure }];
}
