/** The number of processors that a program may use. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { countProcessors } from '../../src/workers/processors.ts';

const roots: string[] = [];
after(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

const FOUR = 'Cpus_allowed:\tf\n';
const V2 = { 'proc/thread-self/status': FOUR, 'proc/self/cgroup': '0::/user/app\n' };
const V1 = {
  'proc/thread-self/status': FOUR,
  'proc/self/cgroup': '4:memory:/user/app\n3:cpu,cpuacct:/user/app\n0::/user/app\n',
};

/** The count in a system with these files. */
function count(files: Record<string, string>): number {
  const root = mkdtempSync(join(tmpdir(), 'lockstep-processors-'));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return countProcessors(root);
}

describe('cpuCount', () => {
  it('counts the processors that the thread may run on', () => {
    assert.equal(count({ 'proc/thread-self/status': 'Cpus_allowed:\tff,ffffffff,00000101\n' }), 42);
    assert.equal(count({}), availableParallelism());
  });

  for (const [max, processors] of [
    ['max 100000', 4],
    ['200000 100000', 2],
    ['150000 100000', 2],
    ['10000 100000', 1],
    ['900000 100000', 4],
    ['', 4],
  ] as const) {
    it(`is ${processors} with cpu.max "${max}"`, () => {
      assert.equal(count({ ...V2, 'sys/fs/cgroup/user/app/cpu.max': `${max}\n` }), processors);
    });
  }

  it('takes the least quota on the way to the top', () => {
    const files = {
      'sys/fs/cgroup/user/app/cpu.max': '300000 100000\n',
      'sys/fs/cgroup/user/cpu.max': '200000 100000',
    };
    assert.equal(count({ ...V2, ...files }), 2);
  });

  it('finds the quota of a container at the top of the mount', () => {
    assert.equal(count({ ...V2, 'sys/fs/cgroup/cpu.max': '100000 100000\n' }), 1);
    assert.equal(
      count({ ...V2, 'proc/self/cgroup': '0::/../../app\n', 'sys/fs/cgroup/app/cpu.max': '100000 100000' }),
      1,
    );
  });

  for (const folder of ['cpu,cpuacct/user/app', 'cpu/user/app', 'cpu,cpuacct']) {
    it(`finds the quota of version 1 in ${folder}`, () => {
      const limited = (time: string) => ({
        ...V1,
        [`sys/fs/cgroup/${folder}/cpu.cfs_quota_us`]: `${time}\n`,
        [`sys/fs/cgroup/${folder}/cpu.cfs_period_us`]: '50000\n',
      });
      assert.equal(count(limited('100000')), 2);
      assert.equal(count(limited('60000')), 2);
      assert.equal(count(limited('-1')), 4);
    });
  }

  const skip = spawnSync('taskset', ['-V']).status === 0 ? false : 'there is no taskset here';
  it('is 1 for a program that is bound to one processor', { skip }, () => {
    const program = `import { cpuCount } from ${JSON.stringify(import.meta.resolve('lockstep'))}; console.log(cpuCount())`;
    const args = ['-c', '0', process.execPath, '--input-type=module', '-e', program];
    assert.equal(String(execFileSync('taskset', args)).trim(), '1');
  });
});
