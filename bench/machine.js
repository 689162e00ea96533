// @ts-check
/** The machine: the machine of the figures, and the share of it that other programs used. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { compilerVersion, pythonVersion } from './peers.js';

export function describeMachine() {
  const git = (/** @type {string[]} */ ...args) =>
    spawnSync('git', args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
    }).stdout?.trim();
  const commit = git('rev-parse', '--short', 'HEAD') || 'none';
  const changed = git('status', '--porcelain', '--untracked-files=no')
    ? ', with changes that are not committed'
    : '';
  const memory = Math.round(totalmem() / 2 ** 30);
  const load = loadavg().map((n) => n.toFixed(2));
  return `\
Lockstep bench, ${new Date().toISOString()}
machine   ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} cores, ${memory} GiB, load ${load.join(' ')}
kernel    ${type()} ${release()} ${arch()}
Node      ${process.version} (V8 ${process.versions.v8})
Python    ${pythonVersion() ?? 'none'}
C         ${compilerVersion() ?? 'none'}
commit    ${commit}${changed}`;
}

/** First of the CPUs that this process may run on. */
export function firstAllowedCpu() {
  const allowed = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return allowed?.[1] ?? '0';
}

/**
 * Returns a function that tells which share of the machine others (and its host) have used since: 0
 * to 1.
 */
export function watchOthers() {
  const before = cpuTicks();
  return () => {
    const after = cpuTicks();
    const others = after.busy - before.busy - (after.own - before.own);
    return Math.min(1, Math.max(0, others / (after.all - before.all)));
  };
}

/**
 * Clock ticks of all CPUs, those in which they worked, and those that went to this process and its
 * ended children.
 */
function cpuTicks() {
  // proc(5): user nice system idle iowait irq softirq steal.
  const [total = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const ticks = total.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = ticks.reduce((sum, n) => sum + n, 0);
  const [, , , idle = 0, iowait = 0] = ticks;
  // proc(5): utime stime cutime cstime are the fields 14 to 17; the second, in brackets, may hold
  // spaces.
  const own = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ').slice(11, 15) ?? [];
  return { all, busy: all - idle - iowait, own: own.reduce((sum, n) => sum + Number(n), 0) };
}
