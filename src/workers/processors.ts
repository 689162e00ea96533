/**
 * Processors: how many of them this program may use. Node counts those that its thread may run on;
 * before libuv 1.49 it does not see the quota that a container is given, and later it rounds that
 * down. Here a quota of 1.5 processors is 2: the second one half idle is better than half lost.
 *
 * The quota of a control group holds for all below it, so the least on the way to the top counts.
 * Version 2 has it in `cpu.max`, "quota period" or "max period"; version 1 in `cpu.cfs_quota_us`
 * (-1: none) and `cpu.cfs_period_us` (Linux, Documentation/admin-guide/cgroup-v2.rst and
 * Documentation/scheduler/sched-bwc.rst). In a container, its group may be at the top of the
 * mount, whatever path `/proc/self/cgroup` tells: levels that are not there are left out.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

/** Where version 2 is mounted, alone or beside version 1. */
const UNIFIED = ['sys/fs/cgroup', 'sys/fs/cgroup/unified'];

/** How many processors this thread may use; at least 1. `root`: where /proc and /sys are. */
export function countProcessors(root = '/'): number {
  const allowed = allowedProcessors(root) ?? availableParallelism();
  return Math.max(1, Math.min(allowed, Math.ceil(quota(root))));
}

/** The processors that the thread may run on. */
function allowedProcessors(root: string): number | undefined {
  const [, mask] = /^Cpus_allowed:\s*([\da-f,]+)$/m.exec(read(root, 'proc/thread-self/status') ?? '') ?? [];
  if (mask === undefined) return undefined;
  let count = 0;
  for (const digit of mask.replaceAll(',', '')) {
    for (let bits = Number.parseInt(digit, 16); bits > 0; bits >>= 1) count += bits & 1;
  }
  return count;
}

/** Processors' worth of time that the control groups give; infinite without a limit. */
function quota(root: string): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of (read(root, 'proc/self/cgroup') ?? '').split('\n')) {
    const [, id, controllers = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    // Version 2 has one hierarchy, version 1 one for each controller.
    const isUnified = id === '0' && controllers === '';
    if (!isUnified && !controllers.split(',').includes('cpu')) continue;
    const mounts = isUnified ? UNIFIED : [`sys/fs/cgroup/${controllers}`, 'sys/fs/cgroup/cpu'];
    const quotaOf = isUnified ? quotaInVersion2 : quotaInVersion1;
    // The least quota on the way up applies.
    for (const mount of mounts) {
      for (const level of levelsOf(path)) least = Math.min(least, quotaOf(root, join(mount, level)));
    }
  }
  return least;
}

/** The group and all above it: `/a/b`, `/a`, `/`. */
function levelsOf(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, n) => parts.slice(0, parts.length - n).join('/'));
}

function quotaInVersion2(root: string, group: string): number {
  const [time = 'max', period] = read(root, `${group}/cpu.max`)?.trim().split(' ') ?? [];
  return share(Number(time === 'max' ? Number.NaN : time), Number(period));
}

function quotaInVersion1(root: string, group: string): number {
  return share(
    Number(read(root, `${group}/cpu.cfs_quota_us`)),
    Number(read(root, `${group}/cpu.cfs_period_us`)),
  );
}

function share(time: number, period: number): number {
  return time > 0 && period > 0 ? time / period : Number.POSITIVE_INFINITY;
}

function read(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8');
  } catch {
    // Not on this system, or closed to this user.
    return undefined;
  }
}
